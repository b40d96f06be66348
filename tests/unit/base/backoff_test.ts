import assert from "node:assert/strict";
import fc from "fast-check";
import { Backoff, type BackoffPolicy } from "../../../lib/base/backoff.ts";
import { test } from "../../support/test.ts";
import { FakeClock } from "./fake_clock.ts";

const policy: BackoffPolicy = { initialMs: 100, factor: 2, maxMs: 1000, jitter: 0, resetAfterMs: 10_000 };

test("S14 delays grow by the factor up to the cap", () => {
  const backoff = new Backoff(policy, { clock: new FakeClock() });
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [100, 200, 400, 800, 1000, 1000]);
  assert.equal(backoff.failures, 6);
});

test("S12 the first delay is none with immediateFirst, and the growth starts with the second", () => {
  const backoff = new Backoff({ ...policy, immediateFirst: true }, { clock: new FakeClock() });
  assert.deepEqual(Array.from({ length: 4 }, () => backoff.next()), [0, 100, 200, 400]);
});

test("S14 delays start over after a stable time, and only then", () => {
  const clock = new FakeClock();
  const backoff = new Backoff({ ...policy, immediateFirst: true }, { clock });
  for (let i = 0; i < 3; i++) backoff.next();

  backoff.markUp();
  clock.advance(9999);
  backoff.markDown();
  assert.equal(backoff.next(), 400);

  backoff.markUp();
  clock.advance(5000);
  backoff.markUp();
  clock.advance(5000);
  backoff.markDown();
  assert.equal(backoff.next(), 0);
});

test("next() takes what is still marked as up for down", () => {
  const clock = new FakeClock();
  const backoff = new Backoff(policy, { clock });
  backoff.next();
  backoff.next();
  backoff.markUp();
  clock.advance(10_000);
  assert.equal(backoff.next(), 100);
  clock.advance(1_000_000);
  assert.equal(backoff.next(), 200, "time spent down is not stable time");
});

test("reset() starts over", () => {
  const backoff = new Backoff(policy, { clock: new FakeClock() });
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.failures, 0);
  assert.equal(backoff.next(), 100);
});

test("S14 jitter shortens a delay by at most its share", () => {
  const jittered = { ...policy, jitter: 0.5 };
  const least = new Backoff(jittered, { clock: new FakeClock(), random: () => 0.999999 });
  const most = new Backoff(jittered, { clock: new FakeClock(), random: () => 0 });
  assert.ok(Math.abs(least.next() - 50) < 0.01);
  assert.equal(most.next(), 100);
  fc.assert(
    fc.property(fc.nat({ max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (tries, jitter) => {
      const backoff = new Backoff({ ...policy, jitter }, { clock: new FakeClock() });
      for (let i = 0; i < tries; i++) {
        const full = Math.min(1000, 100 * 2 ** i);
        const delay = backoff.next();
        assert.ok(delay <= full && delay >= full * (1 - jitter) - 1e-9);
      }
    }),
    { numRuns: 30 },
  );
});

test("a policy that makes no sense is a RangeError", () => {
  const bad: readonly Partial<BackoffPolicy>[] = [
    { initialMs: -1 },
    { initialMs: NaN },
    { factor: 0.5 },
    { maxMs: 50 },
    { jitter: 1.5 },
    { jitter: -0.1 },
    { resetAfterMs: -1 },
  ];
  for (const part of bad) {
    assert.throws(() => new Backoff({ ...policy, ...part }, { clock: new FakeClock() }), RangeError);
  }
  const never = new Backoff({ ...policy, initialMs: 0 }, { clock: new FakeClock() });
  for (let i = 0; i < 2000; i++) assert.equal(never.next(), 0);
});
