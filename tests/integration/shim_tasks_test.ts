import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { findLeaks } from "../../lib/shim/leaks.ts";
import { shimsBelow } from "../../lib/shim/shim_process.ts";
import type { ShimTasks } from "../../lib/shim/shim_tasks.ts";
import { eventually } from "../support/eventually.ts";
import { criuVersion } from "../support/versions.ts";
import { noStdio, type ShimSetting, shimTest } from "./shim_setting.ts";

loadLibc();

async function assertNothingOf(setting: ShimSetting, id: string): Promise<void> {
  assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
  assert.deepEqual(await shimsBelow(setting.root), []);
  assert.deepEqual(await setting.cgroups(id), []);
  assert.equal(await Deno.lstat(setting.bundle(id)).catch(() => undefined), undefined);
  const state = `/run/containerd/runc/${setting.namespace}/${id}`;
  assert.equal(await Deno.lstat(state).catch(() => undefined), undefined);
}

/** One container from create to delete. */
async function life(setting: ShimSetting, tasks: ShimTasks, code: number): Promise<void> {
  const containerId = await setting.define(`exit ${code}`);
  await tasks.create({ containerId, rootfs: [], stdio: noStdio });
  const waiting = tasks.wait({ containerId });
  await tasks.start({ containerId });
  assert.equal((await waiting).code, code);
  await tasks.delete({ containerId });
}

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

shimTest("D05 a hundred runs in a row leave no process, socket, file or descriptor", async (setting) => {
  using tasks = setting.tasks();
  await life(setting, tasks, 0);
  const before = openFiles();
  for (let n = 0; n < 100; n++) await life(setting, tasks, n);
  assert.equal(openFiles(), before);
  assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
  assert.deepEqual(await shimsBelow(setting.root), []);
});

shimTest("D05 twenty runs at once, started both ways, leave nothing either", async (setting) => {
  const before = openFiles();
  for (const way of ["direct", "start"] as const) {
    using tasks = setting.tasks({ way });
    await Promise.all(Array.from({ length: 20 }, (_, n) => life(setting, tasks, n)));
    assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
    assert.deepEqual(await shimsBelow(setting.root), []);
  }
  assert.equal(openFiles(), before);
});

shimTest("a shim can be started ahead of its create, or taken back", async (setting) => {
  using tasks = setting.tasks();
  const id = await setting.define("exit 3");
  await tasks.prepare(id);
  assert.equal((await shimsBelow(setting.root)).length, 1);
  assert.deepEqual(await tasks.list(), [], "it is no task yet");
  await assert.rejects(tasks.prepare(id), { code: "already_exists" });
  await tasks.create({ containerId: id, rootfs: [], stdio: noStdio });
  await tasks.start({ containerId: id });
  assert.equal((await tasks.wait({ containerId: id })).code, 3);
  await tasks.delete({ containerId: id });
  await tasks.prepare(id);
  await tasks.abandon(id);
  await tasks.abandon(id);
  await assertNothingOf(setting, id);
});

shimTest("a spec may come while the shim starts, and when it does not come nothing is left", async (setting) => {
  for (const way of ["direct", "start"] as const) {
    const id = await setting.define("exit 4");
    const { config, shim } = setting.content(id);
    const late = Promise.withResolvers<string>();
    using tasks = setting.tasks({ way, content: () => ({ config: late.promise, shim }) });
    const creating = tasks.create({ containerId: id, rootfs: [], stdio: noStdio });
    if (way === "direct") {
      await eventually(async () => (await shimsBelow(setting.root)).length === 1, {
        what: "the shim, before its spec",
      });
    }
    late.resolve(config);
    await creating;
    await tasks.start({ containerId: id });
    assert.equal((await tasks.wait({ containerId: id })).code, 4);
    await tasks.delete({ containerId: id });
    using others = setting.tasks({ way, content: () => ({ config: Promise.reject(new Error("no spec")), shim }) });
    await assert.rejects(others.create({ containerId: id, rootfs: [], stdio: noStdio }), /no spec/);
    await assertNothingOf(setting, id);
  }
});

shimTest("T13 a create that fails, wherever it does, leaves nothing and says why", async (setting) => {
  using tasks = setting.tasks();
  const add = async (change: (spec: Record<string, unknown>) => void, more: object, words: RegExp): Promise<void> => {
    const containerId = await setting.define("exit 0");
    const spec = JSON.parse(setting.content(containerId).config);
    change(spec);
    const id = await setting.define("exit 0", { content: { config: JSON.stringify(spec) } });
    const request = { containerId: id, rootfs: [], stdio: noStdio, ...more };
    await assert.rejects(tasks.create(request), words);
    await assertNothingOf(setting, id);
  };
  const none = `${setting.directory}/none`;
  await add((spec) => delete spec.process, {}, /./);
  await add((spec) => spec.root = { path: none }, {}, /none/);
  await add(() => {}, { rootfs: [{ type: "bind", source: none, options: ["rbind"] }] }, /no such file/);
  await add(() => {}, { stdio: { ...noStdio, stdout: none, stderr: none } }, /none/);
  await add((spec) => spec.hooks = { createRuntime: [{ path: "/bin/false" }] }, {}, /hook/);
});

shimTest("T13 a create that is given up leaves nothing", async (setting) => {
  using tasks = setting.tasks();
  for (const ms of [0, 2, 5, 10, 15, 20, 30, 40, 60]) {
    const id = await setting.define("exec sleep 1000");
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), ms);
    try {
      await tasks.create({ containerId: id, rootfs: [], stdio: noStdio }, { signal: aborter.signal });
      await tasks.kill({ containerId: id }, { signal: 9 });
      await tasks.wait({ containerId: id });
      await tasks.delete({ containerId: id });
    } catch (error) {
      assert.equal(aborter.signal.aborted, true, String(error));
    } finally {
      clearTimeout(timer);
    }
    await assertNothingOf(setting, id);
  }
});

shimTest("C01 a task is written to a checkpoint and goes on from it", async (setting) => {
  if (criuVersion().skip !== undefined) return console.log(`skipped: ${criuVersion().skip}`);
  using tasks = setting.tasks();
  const script = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done";
  const stdio = await setting.files("c");
  const lines = async (): Promise<readonly string[]> => (await Deno.readTextFile(stdio.stdout)).trim().split("\n");
  const id = await setting.define(script);
  await tasks.create({ containerId: id, rootfs: [], stdio });
  await tasks.start({ containerId: id });
  await eventually(async () => (await lines()).length > 5, { what: "a few lines" });
  const [images, work] = [`${setting.directory}/images`, `${setting.directory}/work`];
  for (const directory of [images, work]) await Deno.mkdir(directory);
  await tasks.checkpoint(id, {
    images,
    work,
    exit: true,
    openTcp: false,
    externalUnixSockets: false,
    shellJob: false,
    fileLocks: false,
    emptyNamespaces: [],
  });
  assert.equal((await tasks.wait({ containerId: id })).code, 137);
  await tasks.delete({ containerId: id });
  const last = Number((await lines()).at(-1));

  assert.deepEqual(await tasks.create({ containerId: id, rootfs: [], stdio, restore: { images, work } }), { pid: 0 });
  assert.ok((await tasks.start({ containerId: id })).pid > 1);
  await eventually(async () => (await lines()).includes(String(last + 3)), { what: "its going on" });
  const counted = await lines();
  assert.deepEqual(counted, counted.map((_, n) => String(n + 1)));
  assert.ok([...Deno.readDirSync(work)].some(({ name }) => name === "restore.log"));
  await tasks.kill({ containerId: id }, { signal: 9 });
  await tasks.wait({ containerId: id });
  await tasks.delete({ containerId: id });
  await assertNothingOf(setting, id);
});
