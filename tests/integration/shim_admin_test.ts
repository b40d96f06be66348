import assert from "node:assert/strict";
import { systemClock } from "../../lib/base/clock.ts";
import { loadLibc } from "../../lib/base/libc.ts";
import { listShims } from "../../lib/shim/list_shims.ts";
import { shimsBelow, stopShim } from "../../lib/shim/shim_process.ts";
import type { ShimTasks } from "../../lib/shim/shim_tasks.ts";
import { noStdio, type ShimSetting, shimTest } from "./shim_setting.ts";
import { signalShim } from "./shim_steps.ts";

loadLibc();

async function run(setting: ShimSetting, tasks: ShimTasks, shimOf?: string): Promise<string> {
  const containerId = await setting.define("exec sleep 1000", { content: { shimOf } });
  await tasks.create({ containerId, rootfs: [], stdio: noStdio });
  await tasks.start({ containerId });
  return containerId;
}

async function pidOf(setting: ShimSetting, id: string): Promise<number> {
  const found = (await shimsBelow(setting.root)).find((shim) => shim.id === id);
  assert.ok(found !== undefined);
  return found.identity.pid;
}

shimTest("T11 destroy ends a task whatever it does: running, paused, hung, without its shim", async (setting) => {
  using tasks = setting.tasks();
  const [running, paused, hung, alone] = [
    await run(setting, tasks),
    await run(setting, tasks),
    await run(setting, tasks),
    await run(setting, tasks),
  ];
  const created = await setting.define("exit 0");
  await tasks.create({ containerId: created, rootfs: [], stdio: noStdio });
  await tasks.pause(paused);
  await signalShim(setting, hung, "STOP");
  await signalShim(setting, alone, "KILL");
  for (const id of [running, paused, hung, alone, created]) {
    const exit = await tasks.destroy(id);
    assert.equal(exit?.exact, false);
    assert.deepEqual(await setting.cgroups(id), []);
    assert.equal(await tasks.destroy(id), undefined);
    await assert.rejects(tasks.state({ containerId: id }), { code: "not_found" });
  }
  assert.deepEqual(await shimsBelow(setting.root), []);
});

shimTest("the list of shims has each with its containers and its condition", async (setting) => {
  using tasks = setting.tasks();
  const first = await run(setting, tasks);
  const second = await run(setting, tasks, first);
  const hung = await run(setting, tasks);
  const dead = await run(setting, tasks);
  const pids = { first: await pidOf(setting, first), hung: await pidOf(setting, hung) };
  await signalShim(setting, hung, "STOP");
  await signalShim(setting, dead, "KILL");
  tasks[Symbol.dispose]();
  const service = setting.version.label === "2.1" ? "containerd.task.v3.Task" : "containerd.task.v2.Task";
  const { stdout } = await new Deno.Command(setting.version.shim, { args: ["-v"] }).output();
  const version = /Version: +(\S+)/.exec(new TextDecoder().decode(stdout))?.[1];
  assert.ok(version !== undefined);
  const same = {
    namespace: setting.namespace,
    program: setting.version.shim,
    version,
    protocol: "ttrpc",
    service,
  };
  const shims = await listShims(setting.root, { deadlineMs: 500 });
  const of = (id: string): unknown =>
    shims.find(({ containers }) => containers.some((container) => container.id === id));
  const both = [first, second].toSorted().map((id) => ({ id, status: "running" }));
  assert.deepEqual(of(first), { ...same, pid: pids.first, condition: "alive", containers: both });
  const unknown = (id: string): unknown => [{ id, status: "unknown" }];
  assert.deepEqual(of(hung), { ...same, pid: pids.hung, condition: "silent", containers: unknown(hung) });
  assert.deepEqual(of(dead), { ...same, pid: undefined, condition: "dead", containers: unknown(dead) });
  assert.equal(shims.length, 3);
  using others = setting.tasks();
  for (const id of [second, first, hung, dead]) await others.destroy(id);
  assert.deepEqual(await listShims(setting.root), []);
});

shimTest("a shim without a container ends when it is asked to, one that hangs does not", async (setting) => {
  using tasks = setting.tasks();
  const id = await setting.define("exit 0");
  await tasks.prepare(id);
  const [shim] = await shimsBelow(setting.root);
  assert.ok(shim !== undefined);
  assert.equal(await stopShim(shim.identity, { clock: systemClock }), true);
  assert.equal(await stopShim(shim.identity, { clock: systemClock }), true);
  await tasks.abandon(id);
  await tasks.prepare(id);
  await signalShim(setting, id, "STOP");
  const [hung] = await shimsBelow(setting.root);
  assert.ok(hung !== undefined);
  assert.equal(await stopShim(hung.identity, { clock: systemClock }), false);
  await signalShim(setting, id, "CONT");
  await tasks.abandon(id);
});
