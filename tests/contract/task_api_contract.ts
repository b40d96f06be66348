/**
 * What whoever implements `TaskApi` must do, one test a sentence: `taskApiContract` registers them for an implementation.
 * Checkpoints are not in it: they need CRIU, and have tests of their own.
 */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { test } from "../support/test.ts";
import { type ContractSetting, createTask, refused, wrongState } from "./contract_setting.ts";
import { execContract } from "./exec_contract.ts";
import { resourceContract } from "./resource_contract.ts";

/** Registers one sentence of the contract. */
export type Register = (sentence: string, body: (setting: ContractSetting) => Promise<void>) => void;

const SIGTERM = 15;
const SIGKILL = 9;
const forever = ["/bin/sleep", "1000"];
const missing = { containerId: "0".repeat(64) };

/** Registers the contract for one implementation; `open` makes it anew for each test. */
export function taskApiContract(
  name: string,
  open: () => Promise<ContractSetting>,
  { skip }: { readonly skip?: string | undefined } = {},
): void {
  const register: Register = (sentence, body) =>
    test(`${sentence} (${name})`, { skip }, async () => {
      await using setting = await open();
      await body(setting);
    });
  lifeContract(register);
  refusalContract(register);
  execContract(register);
  resourceContract(register);
}

/** From create to delete. */
function lifeContract(register: Register): void {
  register("T06 a task is created, running, stopped and gone", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: ["/bin/sh", "-c", "echo here; sleep 0.2; exit 7"] });
    const created = await api.state(task.ref);
    assert.deepEqual([created.containerId, created.status, created.exit], [task.ref.containerId, "created", undefined]);
    assert.ok(created.pid > 0);
    assert.deepEqual(created.stdio, task.stdio);
    const ended = api.wait(task.ref);
    const before = Date.now();
    assert.deepEqual(await api.start(task.ref), { pid: created.pid });
    assert.equal((await api.state(task.ref)).status, "running");
    const exit = await ended;
    assert.deepEqual([exit.code, exit.exact], [7, true]);
    assert.ok(exit.exitedAt >= before && exit.exitedAt <= Date.now(), `${exit.exitedAt}`);
    const stopped = await api.state(task.ref);
    assert.deepEqual([stopped.status, stopped.exit], ["stopped", exit]);
    assert.deepEqual(await api.delete(task.ref), exit);
    assert.equal(await task.out(), "here\n");
    await refused(api.state(task.ref), "not_found");
    await refused(api.delete(task.ref), "not_found");
  });

  register("T08 wait answers at once for what has ended, as often as it is asked", async (setting) => {
    const task = await createTask(setting, { command: ["/bin/sh", "-c", "exit 3"] });
    await setting.api.start(task.ref);
    const first = await setting.api.wait(task.ref);
    const [second, third] = await Promise.all([setting.api.wait(task.ref), setting.api.wait(task.ref)]);
    assert.deepEqual([second, third], [first, first]);
    assert.equal(first.code, 3);
  });

  register("wait can be given up, by signal and by deadline, and the process goes on", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    const aborter = new AbortController();
    const waiting = api.wait(task.ref, { signal: aborter.signal });
    aborter.abort();
    await refused(waiting, "cancelled");
    await refused(api.wait(task.ref, { deadlineMs: 50 }), "deadline_exceeded");
    assert.equal((await api.state(task.ref)).status, "running");
  });

  register("T01 an end by a signal is 128 and its number", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, {
      command: ["/bin/sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done"],
    });
    await api.start(task.ref);
    const other = await createTask(setting, { command: forever });
    await api.start(other.ref);
    await eventually(() => isInShell(task.ref.containerId, api), { what: "the trap" });
    await api.kill(task.ref, { signal: SIGTERM });
    assert.equal((await api.wait(task.ref)).code, 5);
    await api.kill(other.ref, { signal: SIGKILL });
    assert.equal((await api.wait(other.ref)).code, 137);
  });

  register("a created task that never ran can be killed and deleted", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.kill(task.ref, { signal: SIGKILL });
    await api.wait(task.ref);
    await api.delete(task.ref);
    await refused(api.state(task.ref), "not_found");
  });

  register("list has every task with its state", async (setting) => {
    const { api } = setting;
    const made = await createTask(setting, { command: forever });
    const running = await createTask(setting, { command: forever });
    await api.start(running.ref);
    const ended = await createTask(setting, { command: ["/bin/true"] });
    await api.start(ended.ref);
    const exit = await api.wait(ended.ref);
    const states = await api.list();
    const found = new Map(states.map((state) => [state.containerId, state]));
    assert.equal(found.size, 3);
    assert.equal(found.get(made.ref.containerId)?.status, "created");
    assert.equal(found.get(running.ref.containerId)?.status, "running");
    assert.deepEqual(found.get(ended.ref.containerId)?.exit, exit);
  });

  register("T03 the process reads the end of its input once that is closed on both sides", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: ["/bin/cat"], stdin: true });
    await api.start(task.ref);
    {
      using input = task.input();
      await input.write(new TextEncoder().encode("some input\n"));
    }
    await api.closeStdin(task.ref);
    assert.equal((await api.wait(task.ref)).code, 0);
    await api.delete(task.ref);
    assert.equal(await task.out(), "some input\n");
  });

  register("T04 a terminal has the size it is told", async (setting) => {
    const { api } = setting;
    const script = "trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done";
    const task = await createTask(setting, { command: ["/bin/sh", "-c", script], tty: true });
    await api.start(task.ref);
    await eventually(async () => (await task.out()).includes("ready"), { what: "its trap" });
    await api.resizePty(task.ref, { width: 101, height: 43 });
    assert.equal((await api.wait(task.ref)).code, 4);
    await api.delete(task.ref);
    assert.match(await task.out(), /43 101/);
  });
}

/** What is refused, and how. */
function refusalContract(register: Register): void {
  register("T06 what is not there is not_found", async ({ api }) => {
    await refused(api.state(missing), "not_found");
    await refused(api.start(missing), "not_found");
    await refused(api.wait(missing), "not_found");
    await refused(api.kill(missing, { signal: SIGKILL }), "not_found");
    await refused(api.delete(missing), "not_found");
    await refused(api.pause(missing.containerId), "not_found");
    await refused(api.resume(missing.containerId), "not_found");
    await refused(api.pids(missing.containerId), "not_found");
    await refused(api.metrics(missing.containerId), "not_found");
    await refused(api.update(missing.containerId, {}), "not_found");
    await refused(api.resizePty(missing, { width: 80, height: 24 }), "not_found");
    await refused(api.closeStdin(missing), "not_found");
    assert.deepEqual(await api.list(), []);
  });

  register("T06 a second create is already_exists and leaves the first one alone", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    await refused(api.create({ ...task.ref, rootfs: [], stdio: task.stdio }), "already_exists");
    assert.equal((await api.state(task.ref)).status, "running");
  });

  register("T06 a second start is refused and leaves the process alone", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    await refused(api.start(task.ref), ...wrongState);
    assert.equal((await api.state(task.ref)).status, "running");
  });

  register("T06 a delete of what runs is failed_precondition and leaves it alone", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    await api.start(task.ref);
    await refused(api.delete(task.ref), ...wrongState);
    assert.equal((await api.state(task.ref)).status, "running");
  });

  register("T06 a kill of what has ended is not_found", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: ["/bin/true"] });
    await api.start(task.ref);
    await api.wait(task.ref);
    await refused(api.kill(task.ref, { signal: SIGTERM }), "not_found");
    await refused(api.start(task.ref), ...wrongState);
  });

  register(
    "T13 a program that is not there is refused, at create or at start, and never told as success",
    async (setting) => {
      const { api } = setting;
      const task = await createTask(setting, { command: ["/no/such/program"] }).catch((error: unknown) => {
        assert.match(String(error), /no such file or directory/);
        return undefined;
      });
      if (task === undefined) return;
      await assert.rejects(api.start(task.ref), /no such file or directory/);
      const exit = await api.wait(task.ref, { deadlineMs: 5000 }).catch(() => undefined);
      assert.ok(exit === undefined || exit.code !== 0 || !exit.exact, JSON.stringify(exit));
      await api.delete(task.ref);
      await refused(api.state(task.ref), "not_found");
    },
  );
}

/** True once the shell of a container has its trap: it then has a child that sleeps. */
async function isInShell(id: string, api: ContractSetting["api"]): Promise<boolean> {
  return (await api.pids(id)).length > 1;
}
