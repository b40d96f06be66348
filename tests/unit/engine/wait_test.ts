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
