import assert from "node:assert/strict";
import fc from "fast-check";
import type { ContainerMetrics, CpuMetrics } from "../../../lib/wire/container_metrics.ts";
import { statsOf } from "../../../lib/engine/stats/container_stats.ts";
import { elapsedMs, type StatsSample } from "../../../lib/engine/stats/sample.ts";
import { StatsSampler, windowMs } from "../../../lib/engine/stats/sampler.ts";
import { test } from "../../support/test.ts";

const hostMemory = 8 * 2 ** 30;
const ns = 1e6;

const idle: CpuMetrics = { usageNs: 0, userNs: 0, systemNs: 0, periods: 0, throttledPeriods: 0, throttledNs: 0 };

function cpu(part: Partial<CpuMetrics>): ContainerMetrics {
  return { cpu: { ...idle, ...part } };
}

/** A sample whose reply came at once. */
function sample(at: number, metrics: ContainerMetrics, more: Partial<StatsSample> = {}): StatsSample {
  return { id: "web", metrics, askedAt: at, answeredAt: at, ...more };
}

function percentOf(before: StatsSample, after: StatsSample): number | undefined {
  return statsOf(after, { before, hostMemory }).cpuPercent;
}

test("T10 CPU percent is that of the time between two samples, 100 for each busy CPU", () => {
  const before = sample(1000, cpu({ usageNs: 5_000 * ns }));
  assert.equal(percentOf(before, sample(1500, cpu({ usageNs: 5_250 * ns }))), 50);
  assert.equal(percentOf(before, sample(1500, cpu({ usageNs: 6_500 * ns }))), 300);
  assert.equal(percentOf(before, sample(1500, cpu({ usageNs: 5_000 * ns }))), 0);
});

test("T10 CPU percent does not depend on how long the container has run", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 10 ** 9 }),
    fc.integer({ min: 1, max: 64_000 }),
    fc.integer({ min: 500, max: 60_000 }),
    (history, usedMs, elapsed) => {
      const percent = percentOf(
        sample(0, cpu({ usageNs: history * ns })),
        sample(elapsed, cpu({ usageNs: (history + usedMs) * ns })),
      );
      assert.ok(percent !== undefined && Math.abs(percent - usedMs / elapsed * 100) < 1e-6 * percent + 1e-3);
    },
  ));
});

test("T10 rates are undefined without an earlier sample, and after a restart that set the counters back", () => {
  const after = sample(1000, cpu({ usageNs: 50 * ns, periods: 3 }));
  assert.equal(statsOf(after, { before: undefined, hostMemory }).cpuPercent, undefined);
  for (const metrics of [cpu({ usageNs: 51 * ns, periods: 3 }), cpu({ usageNs: 50 * ns, periods: 4 })]) {
    const stats = statsOf(after, { before: sample(0, metrics), hostMemory });
    assert.equal(stats.cpuPercent, undefined);
    assert.equal(stats.throttledPercent, undefined);
  }
  assert.equal(percentOf(sample(1000, cpu({})), sample(1000, cpu({}))), undefined, "no time went by");
  assert.equal(percentOf(sample(0, {}), sample(1000, cpu({}))), undefined, "nobody counted");
});

test("T10 throttling is the part of the quota's periods that were throttled, undefined without a quota", () => {
  const throttled = (first: Partial<CpuMetrics>, last: Partial<CpuMetrics>): number | undefined =>
    statsOf(sample(1000, cpu(last)), { before: sample(0, cpu(first)), hostMemory }).throttledPercent;
  assert.equal(throttled({ periods: 100, throttledPeriods: 90 }, { periods: 110, throttledPeriods: 93 }), 30);
  assert.equal(
    throttled({ periods: 100, throttledPeriods: 90 }, { periods: 100, throttledPeriods: 90 }),
    0,
    "it slept",
  );
  assert.equal(throttled({}, {}), undefined);
  assert.equal(
    throttled({ periods: 1, throttledPeriods: 0 }, { periods: 2, throttledPeriods: 2 }),
    100,
    "read at odds",
  );
});

test("T10 memory is a part of the limit, or of the host's memory without one or with a higher one", () => {
  const memory = (workingSet: number, limit?: number) =>
    statsOf(sample(0, { memory: { usage: 2 * workingSet, workingSet, limit, majorFaults: 0 } }), {
      before: undefined,
      hostMemory,
    }).memory;
  assert.deepEqual(memory(2 ** 20, 2 ** 22), { used: 2 ** 20, limit: 2 ** 22, percent: 25 });
  assert.deepEqual(memory(2 ** 30), { used: 2 ** 30, limit: hostMemory, percent: 12.5 });
  assert.deepEqual(memory(2 ** 30, 2 ** 40), { used: 2 ** 30, limit: hostMemory, percent: 12.5 });
});

test("what nobody counted is undefined, not zero", () => {
  const { metrics: _, ...stats } = statsOf(sample(0, {}), { before: undefined, hostMemory });
  assert.deepEqual(stats, {
    id: "web",
    memory: undefined,
    network: undefined,
    blkio: undefined,
    pids: undefined,
    oomKills: undefined,
  });
});

test("containerd's own time of a sample counts when it lies within our call, in a long reply too", () => {
  const before = sample(0, {}, { answeredAt: 800, takenAt: 1_000_000_790 });
  const after = sample(1500, {}, { answeredAt: 2300, takenAt: 1_000_001_510 });
  assert.equal(elapsedMs(before, after), 720);
});

test("containerd's time does not count when its clock was set between the samples", () => {
  const before = sample(0, {}, { answeredAt: 10, takenAt: 1_000_000_000 });
  for (const takenAt of [1_000_003_600, 999_999_000, 1_000_000_400]) {
    assert.equal(elapsedMs(before, sample(500, {}, { answeredAt: 510, takenAt })), 500);
  }
  assert.equal(elapsedMs(before, sample(500, {}, { answeredAt: 510 })), 500);
});

test("the time between samples is always within what our own clock allows", () => {
  const time = fc.integer({ min: 0, max: 5000 });
  fc.assert(fc.property(time, time, time, fc.option(time), fc.option(time), (call, gap, other, one, two) => {
    const before = sample(0, {}, { answeredAt: call, takenAt: one ?? undefined });
    const after = sample(call + gap, {}, { answeredAt: call + gap + other, takenAt: two ?? undefined });
    const elapsed = elapsedMs(before, after);
    if (elapsed === undefined) assert.equal(call + gap + other, 0);
    else assert.ok(elapsed >= gap && elapsed <= call + gap + other);
  }));
});

test("T10 samples in quick succession are compared with one that is old enough", () => {
  const sampler = new StatsSampler({ hostMemory });
  // A container that is throttled to 30 %: 30 ms of work at the start of each 100 ms, sampled every 50 ms.
  const usedNs = (at: number): number => (Math.floor(at / 100) * 30 + Math.min(30, at % 100)) * ns;
  for (let at = 0; at <= 3000; at += 50) {
    const [stats] = sampler.next([sample(at, cpu({ usageNs: usedNs(at) }))]);
    if (at < windowMs) assert.equal(stats?.cpuPercent, undefined, `at ${at}`);
    else assert.ok(Math.abs((stats?.cpuPercent ?? 0) - 30) < 1e-9, `at ${at}: ${stats?.cpuPercent}`);
  }
});

test("T10 slow samples are compared with the last one", () => {
  const sampler = new StatsSampler({ hostMemory });
  const percents = [0, 100, 100, 400].map((usedMs, index) =>
    sampler.next([sample(index * 2000, cpu({ usageNs: usedMs * ns }))])[0]?.cpuPercent
  );
  assert.deepEqual(percents, [undefined, 5, 0, 15]);
});

test("a sampler starts anew with a container that was restarted or was not there", () => {
  const sampler = new StatsSampler({ hostMemory });
  const percent = (at: number, usedMs: number): number | undefined =>
    sampler.next([sample(at, cpu({ usageNs: usedMs * ns }))])[0]?.cpuPercent;
  assert.equal(percent(0, 1000), undefined);
  assert.equal(percent(1000, 1100), 10);
  assert.equal(percent(2000, 5), undefined, "the counters went back");
  assert.equal(percent(3000, 205), 20);
  sampler.next([]);
  assert.equal(percent(4000, 305), undefined);
});

test("each container has its own history, and the order is that of the samples", () => {
  const sampler = new StatsSampler({ hostMemory });
  const round = (at: number, used: Readonly<Record<string, number>>) =>
    sampler.next(Object.entries(used).map(([id, ms]) => sample(at, cpu({ usageNs: ms * ns }), { id })))
      .map(({ id, cpuPercent }) => [id, cpuPercent]);
  round(0, { a: 0, b: 10 });
  assert.deepEqual(round(1000, { b: 510, c: 7, a: 100 }), [["b", 50], ["c", undefined], ["a", 10]]);
});
