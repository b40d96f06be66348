import assert from "node:assert/strict";
import { isChildSubreaper, setChildSubreaper } from "../../lib/base/libc_process.ts";
import { loadLibc } from "../../lib/base/libc.ts";
import { processState } from "../../lib/base/proc.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { findLeaks } from "../../lib/shim/leaks.ts";
import type { ExitStatus } from "../../lib/wire/task.ts";
import { eventually } from "../support/eventually.ts";
import { noStdio, processOf, shimTest } from "./shim_setting.ts";
import { forever, isGone, remove, run, signalShim, traces } from "./shim_steps.ts";

loadLibc();

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
  assert.deepEqual(await tasks.state({ containerId: id }), {
    containerId: id,
    pid: 0,
    status: "stopped",
    stdio: noStdio,
    exit,
  });
  assert.deepEqual(await tasks.delete({ containerId: id }), exit);
  await assert.rejects(tasks.state({ containerId: id }), { code: "not_found" });
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
  const exits = await Promise.all(others.map((tasks) => tasks.wait({ containerId: id })));
  assert.deepEqual(new Set(exits.map((exit) => JSON.stringify(exit))).size, 1);
  await others[0]?.delete({ containerId: id });
  for (const tasks of others) tasks[Symbol.dispose]();
});

shimTest("D04 every process gives the same answers of a lost task, until it is deleted", async (setting) => {
  const first = setting.tasks();
  const id = await run(setting, first, forever);
  const again = await run(setting, first, forever);
  await signalShim(setting, id, "KILL");
  await signalShim(setting, again, "KILL");
  const exit = await first.wait({ containerId: id });
  const lost = await first.wait({ containerId: again });
  first[Symbol.dispose]();

  using second = setting.tasks();
  assert.deepEqual(await second.reconnect(), [], "nothing to recover");
  const ended = { pid: 0, status: "stopped", stdio: noStdio };
  const states = [{ containerId: id, ...ended, exit }, { containerId: again, ...ended, exit: lost }];
  assert.deepEqual(await second.list(), states.toSorted((a, b) => a.containerId < b.containerId ? -1 : 1));
  assert.deepEqual(await second.state({ containerId: id }), { containerId: id, ...ended, exit });
  assert.deepEqual(await second.wait({ containerId: id }), exit);
  assert.deepEqual(await second.wait({ containerId: id, execId: "e" }), exit);
  const wrong = { code: "failed_precondition", message: /its shim was lost/ };
  const exec = { containerId: id, execId: "e" };
  await assert.rejects(second.kill({ containerId: id }, { signal: 9 }), { code: "not_found" });
  await assert.rejects(second.pause(id), wrong);
  await assert.rejects(second.start({ containerId: id }), wrong);
  await assert.rejects(second.pids(id), wrong);
  await assert.rejects(
    second.exec({ process: exec, spec: processOf(setting, id, ["/bin/true"]), stdio: noStdio }),
    wrong,
  );
  assert.deepEqual(await findLeaks(setting.root, { clock: systemClock }), []);

  // A create that fails leaves it as it was, one that succeeds takes its place.
  const missing = { type: "bind", source: "/none", options: ["rbind"] };
  await assert.rejects(second.create({ containerId: id, rootfs: [missing], stdio: noStdio }));
  assert.deepEqual(await second.wait({ containerId: id }), exit);
  await second.create({ containerId: id, rootfs: [], stdio: noStdio });
  assert.equal((await second.state({ containerId: id })).status, "created");
  assert.notDeepEqual(await remove(second, id), exit);
  await assert.rejects(second.wait({ containerId: id }), { code: "not_found" });

  using third = setting.tasks();
  const deletes = await Promise.allSettled([second, third].map((tasks) => tasks.delete({ containerId: again })));
  assert.deepEqual(deletes.flatMap((each) => each.status === "fulfilled" ? [each.value] : []), [lost]);
  assert.deepEqual(await third.list(), []);
});

shimTest("D04 list and state clean up what is proved dead, and destroy forgets it", async (setting) => {
  const told: string[] = [];
  using tasks = setting.tasks({ onLost: (id) => told.push(id) });
  const [listed, asked, running] = [
    await run(setting, tasks, forever),
    await run(setting, tasks, forever),
    await run(setting, tasks, forever),
  ];
  for (const id of [listed, asked]) await signalShim(setting, id, "KILL");
  const state = await tasks.state({ containerId: asked });
  assert.deepEqual([state.status, state.exit?.code, state.exit?.exact], ["stopped", 137, false]);
  using others = setting.tasks({ onLost: (id) => told.push(id), listMs: 20_000 });
  const states = new Map((await others.list()).map((state) => [state.containerId, state]));
  assert.deepEqual(states.get(asked), state);
  assert.deepEqual([states.get(listed)?.status, states.get(listed)?.exit?.code], ["stopped", 137]);
  assert.equal(states.get(running)?.status, "running");
  assert.deepEqual(told.toSorted(), [asked, listed].toSorted());
  for (const id of [listed, asked]) {
    assert.deepEqual(await traces(setting, id), []);
    assert.equal((await others.destroy(id))?.code, 137);
    await assert.rejects(tasks.state({ containerId: id }), { code: "not_found" });
  }
  await remove(tasks, running);
});

shimTest("D04 a list does not wait for a clean-up that takes long; that goes on", async (setting) => {
  using tasks = setting.tasks({ listMs: 1 });
  const id = await run(setting, tasks, forever);
  await signalShim(setting, id, "KILL");
  // A millisecond may end before the death is proved: then the next list begins the clean-up.
  const statuses = new Set<string | undefined>();
  await eventually(async () => {
    const [state] = await tasks.list();
    statuses.add(state?.status);
    return state?.status === "stopped";
  }, { what: "the clean-up's end" });
  assert.deepEqual([...statuses], ["unknown", "stopped"]);
  assert.deepEqual(await traces(setting, id), []);
  await tasks.delete({ containerId: id });
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
    assert.equal((await tasks.delete({ containerId: ending })).code, 9);
    await tasks.delete({ containerId: running });
    assert.equal(processState(init), undefined, "it was reaped");
  } finally {
    setChildSubreaper(false);
  }
});

shimTest("D04 a clean-up that was cut off after it had noted the end is finished with that end", async (setting) => {
  const told: [string, ExitStatus][] = [];
  using tasks = setting.tasks({ onLost: (id, exit) => told.push([id, exit]) });
  const exit = { code: 9, exitedAt: 1_700_000_000_000, exact: true };
  for (const [text, code] of [[JSON.stringify(exit), 9], ['{"code":9', 137]] as const) {
    const id = await run(setting, tasks, forever);
    await Deno.writeTextFile(`${setting.root}/${setting.namespace}/.lost-${id}`, text);
    assert.equal((await tasks.state({ containerId: id })).status, "running", "there is a bundle");
    await signalShim(setting, id, "KILL");
    const end = await tasks.wait({ containerId: id });
    assert.equal(end.code, code);
    assert.deepEqual(told.at(-1), [id, end]);
    assert.deepEqual(await tasks.delete({ containerId: id }), end);
  }
});
