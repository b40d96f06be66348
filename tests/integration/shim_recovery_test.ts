import assert from "node:assert/strict";
import { isChildSubreaper, setChildSubreaper } from "../../lib/base/libc_process.ts";
import { loadLibc } from "../../lib/base/libc.ts";
import { processState, readIdentity, signalProcess } from "../../lib/base/proc.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { findLeaks } from "../../lib/shim/leaks.ts";
import { shimsBelow } from "../../lib/shim/shim_process.ts";
import { ShimTasks } from "../../lib/shim/shim_tasks.ts";
import type { ExitStatus } from "../../lib/wire/task.ts";
import { eventually } from "../support/eventually.ts";
import { noStdio, processOf, type ShimSetting, shimTest } from "./shim_setting.ts";

loadLibc();

const forever = "exec sleep 1000";
const rootfsOf = ({ directory }: ShimSetting): { type: string; source: string; options: string[] } => ({
  type: "bind",
  source: `${directory}/rootfs`,
  options: ["rbind", "rw"],
});

async function run(setting: ShimSetting, tasks: ShimTasks, script: string): Promise<string> {
  const containerId = await setting.define(script);
  await tasks.create({ containerId, rootfs: [rootfsOf(setting)], stdio: noStdio });
  await tasks.start({ containerId });
  return containerId;
}

async function signalShim(setting: ShimSetting, id: string, signal: string): Promise<void> {
  const shims = (await shimsBelow(setting.root)).filter((shim) => shim.id === id);
  assert.equal(shims.length, 1);
  for (const { identity } of shims) {
    assert.equal(await signalProcess(identity, signal), true);
    if (signal === "KILL") await eventually(() => isGone(identity.pid), { what: "the shim's end" });
  }
}

function isGone(pid: number): boolean {
  return /^[ZX]?$/.test(processState(pid) ?? "");
}

/** Everything that a container is outside of its bundle. */
async function traces(setting: ShimSetting, id: string): Promise<readonly string[]> {
  const state = `/run/containerd/runc/${setting.namespace}/${id}`;
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n").filter((line) => line.includes(id));
  const hasState = await Deno.lstat(state).then(() => true, () => false);
  return [...await setting.cgroups(id), ...mounts, ...hasState ? [state] : []];
}

async function remove(tasks: ShimTasks, containerId: string): Promise<ExitStatus> {
  await tasks.kill({ containerId }, { signal: 9 }).catch(() => {});
  await tasks.wait({ containerId });
  return await tasks.delete({ containerId });
}

shimTest("D02 a new process finds what runs, and what ended meanwhile with its real code and time", async (setting) => {
  const first = setting.tasks();
  const running = await run(setting, first, forever);
  const before = Date.now();
  const ended = await run(setting, first, "exit 42");
  await first.wait({ containerId: ended });
  const after = Date.now();
  first[Symbol.dispose]();

  using second = setting.tasks();
  const found = await second.reconnect();
  assert.deepEqual(found.map(({ kind }) => kind), ["task", "task"]);
  const stateOf = (id: string): { status: string; exit?: ExitStatus | undefined } | undefined => {
    const task = found.find(({ containerId }) => containerId === id);
    return task?.kind === "task" ? task.state : undefined;
  };
  assert.equal(stateOf(running)?.status, "running");
  const exit = stateOf(ended)?.exit;
  assert.deepEqual([exit?.code, exit?.exact], [42, true]);
  assert.ok((exit?.exitedAt ?? 0) >= before && (exit?.exitedAt ?? 0) <= after);
  assert.deepEqual(await second.wait({ containerId: ended }), exit);
  assert.deepEqual(await second.delete({ containerId: ended }), exit);
  assert.equal((await remove(second, running)).code, 137);
});

shimTest("D04 a dead shim's container is killed and cleaned up, and its one exit is told", async (setting) => {
  const lost: [string, ExitStatus][] = [];
  using tasks = setting.tasks({ onLost: (id, exit) => lost.push([id, exit]) });
  const id = await run(setting, tasks, forever);
  const [init = 0] = await tasks.pids(id);
  assert.ok((await traces(setting, id)).length > 2);
  const waits = [tasks.wait({ containerId: id }), tasks.wait({ containerId: id })];
  await signalShim(setting, id, "KILL");
  const [exit, same] = await Promise.all(waits);
  assert.deepEqual([exit?.code, exit?.exact], [137, false]);
  assert.deepEqual(same, exit);
  assert.deepEqual(lost, [[id, exit]]);
  assert.equal(isGone(init), true);
  assert.deepEqual(await traces(setting, id), []);
  assert.equal(await Deno.lstat(setting.bundle(id)).catch(() => undefined), undefined);
  await assert.rejects(tasks.state({ containerId: id }), { code: "not_found" });
  assert.deepEqual(await tasks.delete({ containerId: id }), exit);
  await assert.rejects(tasks.delete({ containerId: id }), { code: "not_found" });
});

shimTest("D04 of several processes that find a shim dead, one tells its exit", async (setting) => {
  const first = setting.tasks();
  const id = await run(setting, first, forever);
  await signalShim(setting, id, "KILL");
  first[Symbol.dispose]();
  const lost: string[] = [];
  const others = [1, 2, 3].map(() => setting.tasks({ onLost: (containerId) => lost.push(containerId) }));
  const found = await Promise.all(others.map((tasks) => tasks.reconnect()));
  assert.deepEqual(lost, [id]);
  assert.ok(found.flat().every(({ kind }) => kind === "lost"), JSON.stringify(found));
  assert.deepEqual(await traces(setting, id), []);
  for (const tasks of others) tasks[Symbol.dispose]();
});

shimTest("D04 a process that reaps orphans knows how the container of a dead shim ended", async (setting) => {
  setChildSubreaper(true);
  try {
    assert.equal(isChildSubreaper(), true);
    using tasks = setting.tasks();
    const ending = await run(setting, tasks, "sleep 0.3; exit 9");
    const running = await run(setting, tasks, forever);
    const [init = 0] = await tasks.pids(ending);
    for (const id of [ending, running]) await signalShim(setting, id, "KILL");
    await eventually(() => processState(init) === "Z", { what: "the container's own end" });
    const found = await tasks.reconnect();
    const exits = [ending, running].map((id) => {
      const task = found.find(({ containerId }) => containerId === id);
      return task?.kind === "lost" ? [task.exit.code, task.exit.exact] : task;
    });
    assert.deepEqual(exits, [[9, true], [137, true]]);
    assert.equal(processState(init), undefined, "it was reaped");
  } finally {
    setChildSubreaper(false);
  }
});

shimTest("D03 a shim that hangs costs its own task two seconds, and is not taken for dead", async (setting) => {
  using tasks = setting.tasks();
  const hung = await run(setting, tasks, forever);
  const fine = await run(setting, tasks, forever);
  await signalShim(setting, hung, "STOP");
  for (const driver of [tasks, setting.tasks()]) {
    const started = performance.now();
    const states = await driver.list();
    assert.ok(performance.now() - started < 3500);
    assert.equal(states.find(({ containerId }) => containerId === hung)?.status, "unknown");
    assert.equal(states.find(({ containerId }) => containerId === fine)?.status, "running");
    driver[Symbol.dispose]();
  }
  using later = setting.tasks();
  const found = await later.reconnect();
  assert.deepEqual(
    found.map(({ containerId, kind }) => [containerId, kind]).toSorted(),
    [
      [hung, "silent"],
      [fine, "task"],
    ].toSorted(),
  );
  assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
  await assert.rejects(later.state({ containerId: hung }, { deadlineMs: 300 }), { code: "deadline_exceeded" });
  await signalShim(setting, hung, "CONT");
  assert.equal((await later.state({ containerId: hung })).status, "running");
  for (const id of [hung, fine]) await remove(later, id);
});

shimTest("D02 kill -9 of the process at any point leaves what can be managed, or nothing", async (setting) => {
  for (const way of ["direct", "start"] as const) {
    for (let round = 0; round < 10; round++) {
      const id = await setting.define(forever);
      const settings = {
        root: setting.root,
        namespace: setting.namespace,
        path: Deno.env.get("PATH"),
        way,
        contents: { [id]: setting.content(id) },
      };
      const worker = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-check",
          new URL("shim_worker.ts", import.meta.url).pathname,
          JSON.stringify(settings),
        ],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const reader = worker.stdout.getReader();
      await reader.read();
      await new Promise((resolve) => setTimeout(resolve, round * 20 + Math.random() * 20));
      try {
        worker.kill("SIGKILL");
      } catch {
        // It was faster.
      }
      await worker.status;
      await reader.cancel();
      using tasks = setting.tasks();
      const found = await tasks.reconnect();
      assert.ok(
        found.length <= 1 && found.every(({ kind }) => kind === "task" || kind === "removed"),
        JSON.stringify(found),
      );
      if (found[0]?.kind === "task") {
        const { containerId, state } = found[0];
        if (state.status === "created") await tasks.start({ containerId });
        await remove(tasks, containerId);
      }
      assert.deepEqual(await traces(setting, id), [], `${way} ${round}: ${JSON.stringify(found)}`);
      for (const leak of await findLeaks(setting.root, { clock: systemClock })) await leak.remove();
      assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
      assert.deepEqual(await shimsBelow(setting.root), []);
    }
  }
});

shimTest("shim gc finds what is dead, half-made or left over, and removes that and nothing else", async (setting) => {
  using tasks = setting.tasks();
  const alive = await run(setting, tasks, forever);
  const dead = await run(setting, tasks, forever);
  const half = await run(setting, tasks, forever);
  const orphan = await run(setting, tasks, forever);
  tasks[Symbol.dispose]();
  await signalShim(setting, dead, "KILL");
  await signalShim(setting, half, "KILL");
  await Deno.writeTextFile(`${setting.bundle(half)}/maker`, "4194304 1");
  const socket = `${setting.root}/.s/0123`;
  Deno.listen({ transport: "unix", path: `${socket}x` }).close();
  await Deno.writeTextFile(socket, "");
  await Deno.mkdir(`${setting.root}/${setting.namespace}/.gone-1.4194304.1`);
  using others = setting.tasks();
  await others.kill({ containerId: orphan }, { signal: 9 });
  await others.wait({ containerId: orphan });
  await others.delete({ containerId: orphan });
  const names = (leaks: readonly { kind: string; what: string }[]): readonly string[] =>
    leaks.map(({ kind, what }) => `${kind} ${what.split("/").at(-1)}`).toSorted();
  const leaks = await findLeaks(setting.root, { clock: systemClock });
  assert.deepEqual(
    names(leaks),
    [`bundle ${dead}`, `bundle ${half}`, "directory .gone-1.4194304.1", "socket 0123"].toSorted(),
  );
  assert.deepEqual(
    names(await findLeaks(setting.root, { clock: systemClock })),
    names(leaks),
    "looking changes nothing",
  );
  for (const leak of leaks) await leak.remove();
  assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
  for (const id of [dead, half]) assert.deepEqual(await traces(setting, id), []);
  assert.equal((await others.state({ containerId: alive })).status, "running");
  await remove(others, alive);
});

shimTest("several containers live in one shim, which ends with the last of them", async (setting) => {
  using tasks = setting.tasks();
  const first = await run(setting, tasks, forever);
  const second = await setting.define(forever, { content: { shimOf: first } });
  await tasks.create({ containerId: second, rootfs: [], stdio: noStdio });
  await tasks.start({ containerId: second });
  const [shim, ...more] = await shimsBelow(setting.root);
  assert.deepEqual([shim?.id, more], [first, []]);
  await tasks.exec({
    process: { containerId: second, execId: "e" },
    spec: processOf(setting, second, ["/bin/true"]),
    stdio: noStdio,
  });
  await remove(tasks, first);
  assert.equal((await tasks.state({ containerId: second })).status, "running");
  assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
  await remove(tasks, second);
  assert.deepEqual(await shimsBelow(setting.root), []);
  assert.equal(await readIdentity(shim?.identity.pid ?? 0), undefined);
});
