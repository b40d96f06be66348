import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import type { StatsSample } from "../../../lib/engine/stats/sample.ts";
import { watchStats } from "../../../lib/engine/stats/watch.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";

const hostMemory = 2 ** 30;

/** A container that has used half a CPU for years, on a clock that a test moves. */
function halfBusy(clock: FakeClock, id = "web"): StatsSample {
  const at = clock.monotonic();
  const usageNs = 1e17 + at * 0.5e6;
  const metrics = { cpu: { usageNs, userNs: 0, systemNs: 0, periods: 0, throttledPeriods: 0, throttledNs: 0 } };
  return { id, metrics, askedAt: at, answeredAt: at };
}

test("T10 the first round comes after half a second and its CPU percent is right", async () => {
  const clock = new FakeClock();
  const taken: number[] = [];
  const rounds = watchStats(() => {
    taken.push(clock.monotonic());
    return Promise.resolve([halfBusy(clock)]);
  }, { hostMemory, clock });
  const first = rounds.next();
  await clock.advance(499);
  assert.equal(taken.length, 1);
  await clock.advance(1);
  const { value } = await first;
  assert.equal(taken.length, 2);
  assert.ok(Array.isArray(value) && Math.abs((value[0]?.cpuPercent ?? 0) - 50) < 0.001);
  await rounds.return();
  assert.equal(clock.sleepers, 0);
});

test("T10 without streaming there is one round of two samples", async () => {
  const clock = new FakeClock();
  let samples = 0;
  const rounds = watchStats(() => Promise.resolve([halfBusy(clock, `c${samples++}`)]), {
    hostMemory,
    clock,
    once: true,
  });
  const all = Array.fromAsync(rounds);
  await clock.advance(60_000);
  assert.equal((await all).length, 1);
  assert.equal(samples, 2);
});

test("rounds keep to the interval also when taking samples takes time, and never run without a pause", async () => {
  const clock = new FakeClock();
  const taken: number[] = [];
  let cost = 300;
  const rounds = watchStats(async () => {
    taken.push(clock.monotonic());
    await clock.sleep(cost);
    return [halfBusy(clock)];
  }, { hostMemory, clock, intervalMs: 1000 });
  const consumer = (async () => {
    let count = 0;
    for await (const _ of rounds) {
      if (++count === 3) cost = 1500;
      if (count === 5) break;
    }
  })();
  await clock.advance(12_000);
  await consumer;
  const gaps = taken.slice(1).map((at, index) => at - (taken[index] ?? 0));
  assert.deepEqual(gaps.slice(0, 5), [800, 1000, 1000, 1000, 1501]);
});

test("an error of taking samples ends the rounds", async () => {
  const clock = new FakeClock();
  const failure = new GantryError("unavailable", "containerd is away");
  await assert.rejects(watchStats(() => Promise.reject(failure), { hostMemory, clock }).next(), failure);
  assert.equal(clock.sleepers, 0);
});

test("an abort ends the wait for the next round", async () => {
  const clock = new FakeClock();
  const abort = new AbortController();
  const signals: (AbortSignal | undefined)[] = [];
  const rounds = watchStats(({ signal }) => {
    signals.push(signal);
    return Promise.resolve([halfBusy(clock)]);
  }, { hostMemory, clock, signal: abort.signal });
  const first = rounds.next();
  const rejected = assert.rejects(first, /enough/);
  await clock.advance(100);
  abort.abort(new Error("enough"));
  await rejected;
  assert.deepEqual(signals, [abort.signal]);
  assert.equal(clock.sleepers, 0);
});
