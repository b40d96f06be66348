/** The contract's part about execs. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { createTask, makeExec, refused, wrongState } from "./contract_setting.ts";
import type { Register } from "./task_api_contract.ts";

const SIGTERM = 15;
const SIGKILL = 9;
const forever = ["/bin/sleep", "1000"];

/** From exec to delete, and what is refused on the way. */
export function execContract(register: Register): void {
  register("T07 an exec is created, running, stopped and gone, and its container goes on", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const command = ["/bin/sh", "-c", "echo here; sleep 0.2; exit 9"];
    const exec = await makeExec(setting, task, { execId: "first", command });
    assert.equal((await api.state(exec.ref)).status, "created");
    const ended = api.wait(exec.ref);
    const { pid } = await api.start(exec.ref);
    const running = await api.state(exec.ref);
    assert.deepEqual([running.status, running.pid, running.execId], ["running", pid, "first"]);
    const exit = await ended;
    assert.deepEqual([exit.code, exit.exact], [9, true]);
    const stopped = await api.state(exec.ref);
    assert.deepEqual([stopped.status, stopped.exit], ["stopped", exit]);
    assert.deepEqual(await api.wait(exec.ref), exit);
    assert.deepEqual(await api.delete(exec.ref), exit);
    assert.equal(await exec.out(), "here\n");
    const calls = [api.state(exec.ref), api.delete(exec.ref), api.start(exec.ref), api.wait(exec.ref)];
    await Promise.all(calls.map((call) => refused(call, "not_found")));
    await refused(api.kill(exec.ref, { signal: SIGKILL }), "not_found");
    assert.equal((await api.state(task.ref)).status, "running");
  });

  register("T07 an exec has input, a terminal and signals of its own", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const reader = await makeExec(setting, task, { execId: "reader", command: ["/bin/cat"], stdin: true });
    await api.start(reader.ref);
    {
      using input = reader.input();
      await input.write(new TextEncoder().encode("for the exec\n"));
    }
    await api.closeStdin(reader.ref);
    assert.equal((await api.wait(reader.ref)).code, 0);
    await api.delete(reader.ref);
    assert.equal(await reader.out(), "for the exec\n");

    const script = "trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done";
    const shell = await makeExec(setting, task, { execId: "shell", command: ["/bin/sh", "-c", script], tty: true });
    await api.start(shell.ref);
    await eventually(async () => (await shell.out()).includes("ready"), { what: "its trap" });
    await api.resizePty(shell.ref, { width: 99, height: 44 });
    assert.equal((await api.wait(shell.ref)).code, 4);
    await api.delete(shell.ref);
    assert.match(await shell.out(), /44 99/);

    const sleeper = await makeExec(setting, task, { execId: "sleeper", command: forever });
    await api.start(sleeper.ref);
    await refused(api.delete(sleeper.ref), ...wrongState);
    await api.kill(sleeper.ref, { signal: SIGTERM });
    assert.equal((await api.wait(sleeper.ref)).code, 143);
    await refused(api.kill(sleeper.ref, { signal: SIGTERM }), "not_found");
    await api.delete(sleeper.ref);
    assert.equal((await api.state(task.ref)).status, "running");
  });

  register("T07 an exec that cannot start says why, is never told as success, and can be freed", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const exec = await makeExec(setting, task, { execId: "failing", command: ["/no/such/program"] });
    await assert.rejects(api.start(exec.ref), /no such file or directory/);
    const exit = await api.wait(exec.ref, { deadlineMs: 5000 }).catch(() => undefined);
    assert.ok(exit === undefined || exit.code !== 0 || !exit.exact, JSON.stringify(exit));
    await api.delete(exec.ref);
    await refused(api.state(exec.ref), "not_found");
  });

  register("an exec that never ran can be freed", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const exec = await makeExec(setting, task, { execId: "unused", command: ["/bin/true"] });
    await api.delete(exec.ref);
    await refused(api.state(exec.ref), "not_found");
  });

  register("T07 a second exec of one id is already_exists, one in nothing is not_found", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    await makeExec(setting, task, { execId: "same", command: ["/bin/true"] });
    await refused(makeExec(setting, task, { execId: "same", command: ["/bin/true"] }), "already_exists");
    const elsewhere = Object.assign(Object.create(task), { ref: { containerId: "0".repeat(64) } });
    await refused(makeExec(setting, elsewhere, { execId: "other", command: ["/bin/true"] }), "not_found");
  });

  register("an exec is refused in a task that has ended, and one that was made cannot start then", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    await makeExec(setting, task, { execId: "before", command: ["/bin/true"] });
    await api.kill(task.ref, { signal: SIGKILL });
    await api.wait(task.ref);
    await refused(makeExec(setting, task, { execId: "after", command: ["/bin/true"] }), "not_found", ...wrongState);
    await refused(api.start({ ...task.ref, execId: "before" }), "not_found", ...wrongState);
  });

  register("execs end with their container's first process", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const exec = await makeExec(setting, task, { execId: "other", command: forever });
    await api.start(exec.ref);
    const ended = api.wait(exec.ref);
    await api.kill(task.ref, { signal: SIGKILL });
    assert.deepEqual([(await ended).code, (await api.wait(task.ref)).code], [137, 137]);
  });

  register("T09 a kill of all reaches the execs too", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const exec = await makeExec(setting, task, { execId: "other", command: forever });
    await api.start(exec.ref);
    await api.kill(task.ref, { signal: SIGKILL, all: true });
    assert.deepEqual([(await api.wait(exec.ref)).code, (await api.wait(task.ref)).code], [137, 137]);
  });
}
