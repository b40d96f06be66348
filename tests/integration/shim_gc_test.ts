import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { findLeaks } from "../../lib/shim/leaks.ts";
import { shimsBelow } from "../../lib/shim/shim_process.ts";
import { shimTest } from "./shim_setting.ts";
import { forever, killWorker, remove, run, signalShim, traces } from "./shim_steps.ts";

loadLibc();

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
  assert.equal((await others.delete({ containerId: dead })).code, 137);
  await assert.rejects(others.delete({ containerId: half }), { code: "not_found" });
  await remove(others, alive);
});

shimTest(
  "D02 after kill -9 at any point shim gc alone leaves a task that can be managed, or nothing",
  async (setting) => {
    for (let round = 0; round < 12; round++) {
      const id = await setting.define(forever);
      const way = round % 2 === 0 ? "direct" : "start";
      await killWorker(setting, id, { way, afterMs: round * 15 + Math.random() * 15 });
      for (const leak of await findLeaks(setting.root, { clock: systemClock })) await leak.remove();
      assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);
      using tasks = setting.tasks();
      const found = await tasks.reconnect();
      assert.ok(found.every(({ kind }) => kind === "task"), `${round}: ${JSON.stringify(found)}`);
      for (const task of found) {
        if (task.kind === "task" && task.state.status === "created") await tasks.start(task);
        await remove(tasks, task.containerId);
      }
      assert.deepEqual(await traces(setting, id), [], `${round}: ${JSON.stringify(found)}`);
      assert.deepEqual(await shimsBelow(setting.root), []);
    }
  },
);
