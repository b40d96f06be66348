import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import { type WaitCondition, waitForCondition } from "../../../lib/engine/wait_condition.ts";
import type { ExitStatus } from "../../../lib/wire/task.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { FakeLife } from "./fake_life.ts";

/** A wait that has gone as far as it goes without time passing. */
async function waiting(
  life: FakeLife,
  ...conditions: readonly WaitCondition[]
): Promise<{ readonly clock: FakeClock; readonly end: Promise<ExitStatus | undefined>; isOver(): boolean }> {
  const clock = new FakeClock();
  const end = waitForCondition(life, "c", conditions.length === 0 ? { clock } : { clock, conditions });
  let over = false;
  end.then(() => over = true, () => over = true);
  await settle();
  return { clock, end, isOver: () => over };
}

test("T08 the end is waited for with one call", async () => {
  const life = new FakeLife("running");
  const { end, isOver } = await waiting(life);
  assert.equal(isOver(), false);
  life.end(3);
  assert.deepEqual(await end, { code: 3, exitedAt: 1000, exact: true });
  assert.deepEqual(life.calls, ["wait"]);
});

test("T08 one that was never started is an error that says so, one that does not exist is another", async () => {
  const life = new FakeLife();
  await assert.rejects((await waiting(life)).end, { code: "failed_precondition", message: /has no exit code/ });
  life.vanish();
  await assert.rejects((await waiting(life)).end, { code: "not_found" });
  await assert.rejects((await waiting(life, "running")).end, { code: "not_found" });
});

test("T08 a condition that is met is met at once, and has no exit unless it has ended", async () => {
  for (const status of ["created", "running", "paused"] as const) {
    assert.equal(await (await waiting(new FakeLife(status), status)).end, undefined);
  }
  assert.equal(await (await waiting(new FakeLife(), "created")).end, undefined);
  const life = new FakeLife("running");
  life.end(4);
  assert.equal((await (await waiting(life, "running", "exited")).end)?.code, 4);
});

test("T08 a start is seen, also of one that has ended again before the next look", async () => {
  const life = new FakeLife("created");
  const { clock, end, isOver } = await waiting(life, "running");
  await clock.advance(1000);
  assert.equal(isOver(), false);
  life.end(6);
  await clock.advance(100);
  assert.equal((await end)?.code, 6);
});

test("T08 of several conditions any will do", async () => {
  for (const how of ["pause", "end"] as const) {
    const life = new FakeLife("running");
    const { clock, end } = await waiting(life, "paused", "stopped");
    if (how === "pause") life.status = "paused";
    else life.end(9);
    await clock.advance(100);
    assert.equal((await end)?.code, how === "pause" ? undefined : 9);
  }
});

test("T08 a removal is waited for, and tells the exit of what ran", async () => {
  const life = new FakeLife("running");
  const { clock, end, isOver } = await waiting(life, "removed");
  life.end(2);
  await clock.advance(500);
  assert.equal(isOver(), false, "it has ended but is there");
  life.vanish();
  await clock.advance(100);
  assert.equal((await end)?.code, 2);
  assert.equal(await (await waiting(life, "removed")).end, undefined, "it never was");
});

test("T08 one that is removed while its start is waited for is an error", async () => {
  const life = new FakeLife();
  const { clock, end } = await waiting(life, "running");
  life.vanish();
  end.catch(() => {});
  await clock.advance(100);
  await assert.rejects(end, { code: "not_found" });
});

test("T08 an abort ends the waiting", async () => {
  const clock = new FakeClock();
  const aborter = new AbortController();
  const end = waitForCondition(new FakeLife("running"), "c", { clock, conditions: ["paused"], signal: aborter.signal });
  end.catch(() => {});
  await settle();
  aborter.abort(new GantryError("cancelled", "enough"));
  await assert.rejects(end, { code: "cancelled" });
  assert.equal(clock.sleepers, 0);
});
