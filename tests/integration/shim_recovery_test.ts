import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import { readIdentity } from "../../lib/base/proc.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { findLeaks } from "../../lib/shim/leaks.ts";
import { shimsBelow } from "../../lib/shim/shim_process.ts";
import type { ExitStatus } from "../../lib/wire/task.ts";
import { noStdio, processOf, shimTest } from "./shim_setting.ts";
import { forever, killWorker, remove, run, signalShim, traces } from "./shim_steps.ts";

loadLibc();

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
      await killWorker(setting, id, { way, afterMs: round * 20 + Math.random() * 20 });
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
