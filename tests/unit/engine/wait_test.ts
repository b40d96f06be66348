import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { waitThroughOutages } from "../../../lib/engine/wait.ts";
import type { ExitStatus } from "../../../lib/wire/task.ts";
import { test } from "../../support/test.ts";

const process = { containerId: "c" };
const exit: ExitStatus = { code: 42, exitedAt: 1000, exact: true };
/** A clock whose sleeps are over at once. */
const clock = { ...systemClock, sleep: () => Promise.resolve() };

/** A Tasks service whose Wait gives these answers in turn. */
function answering(...answers: readonly (ExitStatus | GantryError)[]) {
  let calls = 0;
  const wait = (): Promise<ExitStatus> => {
    const answer = answers[calls++];
    if (answer === undefined) throw new TypeError("asked too often");
    return answer instanceof GantryError ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { wait, calls: () => calls };
}

const witness = { exit: Promise.resolve(exit), answers: () => Promise.resolve(true) };

test("waiting passes the exit status on", async () => {
  assert.deepEqual(await waitThroughOutages(answering(exit), process, { clock }), exit);
});

for (const code of ["unavailable", "cancelled", "unknown", "internal"] as const) {
  test(`waiting asks again when the connection ends with ${code}`, async () => {
    const tasks = answering(new GantryError(code, "gone"), new GantryError("unavailable", "still gone"), exit);
    const outages: string[] = [];
    const end = await waitThroughOutages(tasks, process, { clock, onOutage: (error) => outages.push(error.code) });
    assert.deepEqual(end, exit);
    assert.equal(tasks.calls(), 3);
    assert.deepEqual(outages, [code], "an outage is told once");
  });
}

test("waiting for a process that was never there is not_found", async () => {
  const tasks = answering(new GantryError("not_found", "no such task"));
  await assert.rejects(waitThroughOutages(tasks, process, { clock }), { code: "not_found" });
});

test("an exit that was lost in an outage is 255 and inexact, never success", async () => {
  const tasks = answering(new GantryError("unavailable", "gone"), new GantryError("not_found", "no such task"));
  const end = await waitThroughOutages(tasks, process, { clock });
  assert.equal(end.code, 255);
  assert.equal(end.exact, false);
});

test("an exit that was lost by the runtime is taken from whoever saw it", async () => {
  const tasks = answering(new GantryError("unavailable", "gone"), new GantryError("not_found", "no such task"));
  assert.deepEqual(await waitThroughOutages(tasks, process, { clock, salvage: () => Promise.resolve(witness) }), exit);
});

test("waiting ends with cancelled when it is aborted in an outage", async () => {
  const controller = new AbortController();
  const wait = (): Promise<ExitStatus> => {
    controller.abort();
    return Promise.reject(new GantryError("unavailable", "gone"));
  };
  await assert.rejects(waitThroughOutages({ wait }, process, { clock, signal: controller.signal }), GantryError);
});

/** A Tasks service that is away once and then knows no such task. */
function forgetful() {
  return answering(new GantryError("unavailable", "gone"), new GantryError("not_found", "no such task"));
}

test("a witness that hangs is not waited for, once it is asked whether it lives", async () => {
  let asked = 0;
  const hung = { exit: new Promise<never>(() => {}), answers: () => Promise.resolve(++asked < 3) };
  const end = await waitThroughOutages(forgetful(), process, { clock, salvage: () => Promise.resolve(hung) });
  assert.deepEqual([end.code, end.exact, asked], [255, false, 3], "it lived twice, then no more");
});

test("a witness that is gone is looked for again in the next outage", async () => {
  const gone = { exit: Promise.resolve(undefined), answers: () => Promise.resolve(false) };
  const found = [undefined, gone, witness];
  const tasks = answering(
    new GantryError("unavailable", "once"),
    new GantryError("unavailable", "twice"),
    new GantryError("unavailable", "thrice"),
    new GantryError("not_found", "no such task"),
  );
  const end = await waitThroughOutages(tasks, process, { clock, salvage: () => Promise.resolve(found.shift()) });
  assert.deepEqual(end, exit);
});

test("a witness answers while the runtime is still away", async () => {
  const never = {
    calls: 0,
    wait(): Promise<ExitStatus> {
      return this.calls++ === 0 ? Promise.reject(new GantryError("unavailable", "gone")) : new Promise(() => {});
    },
  };
  assert.deepEqual(await waitThroughOutages(never, process, { clock, salvage: () => Promise.resolve(witness) }), exit);
});

test("a search for a witness that fails is no witness", async () => {
  const end = await waitThroughOutages(forgetful(), process, { clock, salvage: () => Promise.reject(new Error("no")) });
  assert.deepEqual([end.code, end.exact], [255, false]);
});
