import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { type ErrorCode, GantryError } from "../../../lib/base/errors.ts";
import { lateAbort } from "../../../lib/engine/late_abort.ts";
import { untilAnswered } from "../../../lib/engine/outage.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";

const clock = { ...systemClock, sleep: () => Promise.resolve() };

function failing(times: number, code: ErrorCode): { call: () => Promise<string>; count: () => number } {
  let count = 0;
  return {
    call: () => count++ < times ? Promise.reject(new GantryError(code, "gone")) : Promise.resolve("done"),
    count: () => count,
  };
}

test("a call is made again for as long as nobody answers", async () => {
  for (const code of ["unavailable", "cancelled", "unknown", "internal", "deadline_exceeded", "aborted"] as const) {
    const { call, count } = failing(3, code);
    assert.equal(await untilAnswered(call, { clock }), "done");
    assert.equal(count(), 4, code);
  }
});

test("an answer ends it, be it a refusal", async () => {
  for (const code of ["not_found", "failed_precondition", "permission_denied", "invalid_argument"] as const) {
    const { call, count } = failing(1, code);
    await assert.rejects(untilAnswered(call, { clock }), { code });
    assert.equal(count(), 1);
  }
});

test("patience has an end, counted from the first failure", async () => {
  let now = 0;
  const slow = { ...clock, monotonic: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
  const { call, count } = failing(Infinity, "unavailable");
  await assert.rejects(untilAnswered(call, { clock: slow, patienceMs: 50 }), { code: "unavailable" });
  // At 0, at once again, after 20 ms, and after 40 more.
  assert.deepEqual([count(), now], [4, 60]);
  const none = failing(Infinity, "unavailable");
  await assert.rejects(untilAnswered(none.call, { clock, patienceMs: 0 }), { code: "unavailable" });
  assert.equal(none.count(), 1, "no patience at all");
});

test("an abort ends the tries, also between two of them", async () => {
  const aborter = new AbortController();
  const { call } = failing(Infinity, "unavailable");
  const work = untilAnswered(call, { signal: aborter.signal });
  aborter.abort(new GantryError("cancelled", "enough"));
  await assert.rejects(work);
});

test("a late abort comes some time after the one it follows, or not at all", async () => {
  const fake = new FakeClock();
  const aborter = new AbortController();
  {
    using late = lateAbort(aborter.signal, { clock: fake, graceMs: 5000 });
    aborter.abort(new Error("why"));
    await fake.advance(4999);
    assert.equal(late.signal?.aborted, false);
    await fake.advance(1);
    assert.equal(late.signal?.aborted, true);
    assert.match(String(late.signal?.reason), /why/);
  }
  using early = lateAbort(aborter.signal, { clock: fake, graceMs: 10 });
  await fake.advance(10);
  assert.equal(early.signal?.aborted, true, "the first was aborted before");
  const off = lateAbort(aborter.signal, { clock: fake, graceMs: 10 });
  off[Symbol.dispose]();
  await fake.advance(100);
  assert.equal(off.signal?.aborted, false);
  assert.equal(lateAbort(undefined, { clock: fake, graceMs: 10 }).signal, undefined);
});
