import assert from "node:assert/strict";
import { deadline, deadlineIn, systemClock } from "../../../lib/base/clock.ts";
import { test } from "../../support/test.ts";

test("systemClock.now() is the wall time and monotonic() never goes back", () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  const first = systemClock.monotonic();
  assert.ok(systemClock.monotonic() >= first);
  assert.ok(Math.abs(deadlineIn(1000) - Date.now() - 1000) < 1000);
});

test("sleep() resolves no sooner than asked", async () => {
  const start = performance.now();
  await systemClock.sleep(20);
  assert.ok(performance.now() - start >= 19);
});

test("sleep() rejects with the signal's reason, before and during the sleep, and leaves no timer", async () => {
  const reason = new Error("enough");
  await assert.rejects(systemClock.sleep(60_000, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const sleep = systemClock.sleep(60_000, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(sleep, reason);
});

test("sleep() does not take a wait over 24.8 days for none at all", async () => {
  const controller = new AbortController();
  const long = systemClock.sleep(2 ** 31 + 1000, { signal: controller.signal });
  const first = await Promise.race([long.then(() => "long"), systemClock.sleep(30).then(() => "short")]);
  assert.equal(first, "short");
  controller.abort(new Error("enough"));
  await assert.rejects(long, /enough/);
});

test("a timer over 24.8 days is made of several that add up", async () => {
  const parts: number[] = [];
  const original = globalThis.setTimeout;
  try {
    // Runs each timer at once and notes its length; the types of Deno and Node disagree about what it gives back.
    Object.assign(globalThis, {
      setTimeout: (action: () => void, ms: number) => {
        parts.push(ms);
        return original(action, 0);
      },
    });
    await systemClock.sleep(5_000_000_000);
  } finally {
    Object.assign(globalThis, { setTimeout: original });
  }
  assert.deepEqual(parts, [2147483647, 2147483647, 5_000_000_000 - 2 * 2147483647]);
});

test("deadline() aborts with a TimeoutError that says how long it waited", async () => {
  using limit = deadline(5);
  await new Promise((resolve) => limit.signal.addEventListener("abort", resolve, { once: true }));
  assert.equal(limit.signal.reason.name, "TimeoutError");
  assert.match(limit.signal.reason.message, /5 ms/);
});

test("deadline() follows its parents, ignores undefined ones, and never fires when infinite", () => {
  const parent = new AbortController();
  using limit = deadline(Infinity, undefined, parent.signal);
  assert.equal(limit.signal.aborted, false);
  parent.abort(new Error("parent"));
  assert.match(String(limit.signal.reason), /parent/);
});

test("deadline() of more than 24.8 days does not fire at once and leaves no timer when disposed", async () => {
  using limit = deadline(2 ** 31 + 1000);
  await systemClock.sleep(30);
  assert.equal(limit.signal.aborted, false);
});
