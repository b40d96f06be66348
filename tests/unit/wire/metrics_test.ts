import assert from "node:assert/strict";
import fc from "fast-check";
import { Metrics as V1 } from "../../../proto/gen/cgroups/metrics_v1.ts";
import { Metrics as V2 } from "../../../proto/gen/cgroups/metrics_v2.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import type { ContainerMetrics } from "../../../lib/wire/container_metrics.ts";
import { decodeMetric, decodeMetrics } from "../../../lib/wire/metrics.ts";
import { test } from "../../support/test.ts";
import { encodedOldV2, encodedV2, recorded } from "./metrics_fixtures.ts";

const v1 = "io.containerd.cgroups.v1.Metrics";
const v2 = "io.containerd.cgroups.v2.Metrics";

function decode(typeUrl: string, value: Uint8Array): ContainerMetrics {
  return decodeMetrics({ typeUrl, value });
}

function encodeV1(message: Parameters<typeof V1.fromPartial>[0]): Uint8Array {
  return V1.encode(V1.fromPartial(message)).finish();
}

function encodeV2(message: Parameters<typeof V2.fromPartial>[0]): Uint8Array {
  return V2.encode(V2.fromPartial(message)).finish();
}

for (const { version, hex, files } of recorded) {
  test(`T10 the metrics recorded from containerd ${version} on cgroup v1 are what its cgroup files say`, () => {
    const nsPerTick = 10_000_000;
    assert.deepEqual(decode(v1, Uint8Array.fromHex(hex)), {
      cpu: {
        usageNs: files["cpuacct.usage"],
        userNs: files["cpuacct.stat user"] * nsPerTick,
        systemNs: files["cpuacct.stat system"] * nsPerTick,
        periods: files.nr_periods,
        throttledPeriods: files.nr_throttled,
        throttledNs: files.throttled_time,
      },
      memory: {
        usage: files["memory.usage_in_bytes"],
        workingSet: files["memory.usage_in_bytes"] - files.total_inactive_file,
        limit: files["memory.limit_in_bytes"],
        swap: files["memory.memsw.usage_in_bytes"] - files["memory.usage_in_bytes"],
        maxUsage: files["memory.max_usage_in_bytes"],
        oomKills: files.oom_kill,
        majorFaults: 0,
      },
      pids: { current: files["pids.current"], limit: undefined },
      blkio: { readBytes: 0, writeBytes: 0 },
    });
  });
}

test("T10 the metrics of cgroup v2 have the same shape, with pressure", () => {
  assert.deepEqual(decode(v2, Uint8Array.fromHex(encodedV2)), {
    cpu: {
      usageNs: 48_211_532_000,
      userNs: 40_110_211_000,
      systemNs: 8_101_321_000,
      periods: 1200,
      throttledPeriods: 312,
      throttledNs: 15_632_871_000,
    },
    memory: {
      usage: 106_430_464,
      workingSet: 106_430_464 - 52_428_800,
      limit: 268_435_456,
      swap: 4_194_304,
      maxUsage: 201_326_592,
      oomKills: 1,
      majorFaults: 17,
    },
    pids: { current: 3, limit: undefined },
    blkio: { readBytes: 7_340_032 + 4096, writeBytes: 12_582_912 },
    psi: {
      cpu: {
        some: { avg10: 12.5, avg60: 8.25, avg300: 2.57, totalUs: 230_548_833 },
        full: { avg10: 10, avg60: 6.5, avg300: 1.5, totalUs: 157_622_356 },
      },
      memory: {
        some: { avg10: 0.5, avg60: 0.25, avg300: 0, totalUs: 1200 },
        full: { avg10: 0, avg60: 0, avg300: 0, totalUs: 900 },
      },
      io: {
        some: { avg10: 0, avg60: 0, avg300: 0, totalUs: 44 },
        full: { avg10: 0, avg60: 0, avg300: 0, totalUs: 40 },
      },
    },
  });
});

test("T10 what an old v2 shim does not send is undefined, not zero", () => {
  const { memory, psi, pids, cpu } = decode(v2, Uint8Array.fromHex(encodedOldV2));
  assert.deepEqual(memory, {
    usage: 8192,
    workingSet: 8192,
    limit: undefined,
    swap: undefined,
    maxUsage: undefined,
    oomKills: 0,
    majorFaults: 0,
  });
  assert.equal(psi, undefined);
  assert.deepEqual(pids, { current: 1, limit: undefined });
  assert.equal(cpu?.usageNs, 120_000);
  const uncounted = decode(v2, encodeV2({ memory: { usage: 8192n } }));
  assert.equal(uncounted.memory?.oomKills, undefined, "without memory.events nobody knows");
});

test("T10 a limit is undefined for v1's highest page count of any page size, v2's max and v1's pids of 0", () => {
  const pageSizes = [4096n, 16384n, 65536n];
  for (const limit of [...pageSizes.map((page) => 2n ** 63n - page), 2n ** 63n - 1n, 2n ** 64n - 1n, 0n]) {
    const one = decode(v1, encodeV1({ memory: { usage: { usage: 1n, limit } }, pids: { current: 1n, limit } }));
    assert.equal(one.memory?.limit, undefined, String(limit));
    assert.equal(one.pids?.limit, undefined, String(limit));
    const two = decode(v2, encodeV2({ memory: { usage: 1n, usageLimit: limit }, pids: { current: 1n, limit } }));
    assert.equal(two.memory?.limit, undefined, String(limit));
    assert.equal(two.pids?.limit, undefined, String(limit));
  }
  assert.equal(decode(v1, encodeV1({ pids: { current: 1n, limit: 64n } })).pids?.limit, 64);
});

test("T10 a v1 group above with a lower memory limit counts", () => {
  const limit = (own: bigint, above: bigint): number | undefined =>
    decode(v1, encodeV1({ memory: { usage: { usage: 1n, limit: own }, hierarchicalMemoryLimit: above } })).memory
      ?.limit;
  const none = 2n ** 63n - 4096n;
  assert.equal(limit(none, 1n << 30n), 2 ** 30);
  assert.equal(limit(1n << 20n, 1n << 30n), 2 ** 20);
  assert.equal(limit(1n << 30n, 1n << 20n), 2 ** 20);
  assert.equal(limit(none, none), undefined);
});

test("T10 swap on v1 is what memory and swap together have beyond memory, never below zero", () => {
  const swap = (usage: bigint, limit: bigint): number | undefined =>
    decode(v1, encodeV1({ memory: { usage: { usage: 4096n }, swap: { usage, limit } } })).memory?.swap;
  assert.equal(swap(12288n, 1n << 30n), 8192);
  assert.equal(swap(0n, 1n << 30n), 0, "read before the memory grew");
  assert.equal(swap(0n, 0n), undefined, "memory.memsw is not there");
});

test("the inactive page cache is left out of the working set unless it is as large as all", () => {
  const workingSet = (usage: bigint, inactive: bigint): number | undefined =>
    decode(v1, encodeV1({ memory: { usage: { usage }, totalInactiveFile: inactive } })).memory?.workingSet;
  assert.equal(workingSet(100n, 30n), 70);
  assert.equal(workingSet(100n, 100n), 100);
  assert.equal(workingSet(100n, 130n), 100);
});

test("T10 blkio on v1 sums reads and writes of all devices, and no other operation", () => {
  const entry = (op: string, minor: number, value: number) => ({
    op,
    major: 8n,
    minor: BigInt(minor),
    value: BigInt(value),
  });
  const blkio = decode(
    v1,
    encodeV1({
      blkio: {
        ioServiceBytesRecursive: [
          entry("Read", 0, 4096),
          entry("Write", 0, 512),
          entry("Sync", 0, 4608),
          entry("Async", 0, 0),
          entry("Discard", 0, 99),
          entry("Total", 0, 4608),
          entry("read", 16, 100),
          entry("write", 16, 1),
          entry("", 16, 7),
        ],
      },
    }),
  ).blkio;
  assert.deepEqual(blkio, { readBytes: 4196, writeBytes: 513 });
});

test("controllers that the host does not have are undefined", () => {
  assert.deepEqual(decode(v1, new Uint8Array()), {
    cpu: undefined,
    memory: undefined,
    pids: undefined,
    blkio: undefined,
  });
  const zeros = decode(v2, encodeV2({ memory: {}, pids: {}, cpu: {} }));
  assert.equal(zeros.memory, undefined);
  assert.equal(zeros.pids, undefined);
  assert.notEqual(zeros.cpu, undefined);
});

test("counts beyond 2^53 keep their size", () => {
  const years = 40n * 365n * 86_400n * 1_000_000_000n;
  const { cpu } = decode(v1, encodeV1({ cpu: { usage: { total: years } } }));
  assert.ok(cpu !== undefined && Math.abs(cpu.usageNs - Number(years)) <= 256);
  assert.equal(
    decode(v1, encodeV1({ cpu: { usage: { total: 2n ** 53n - 1n } } })).cpu?.usageNs,
    Number.MAX_SAFE_INTEGER,
  );
});

test("a name behind types.containerd.io/ is understood", () => {
  const metrics = decode(`types.containerd.io/${v2}`, encodeV2({ pids: { current: 3n } }));
  assert.equal(metrics.pids?.current, 3);
});

test("metrics of another kind of shim are unimplemented, by name", () => {
  for (const url of ["io.containerd.cgroups.v3.Metrics", "", "constructor", "windows.stats"]) {
    assert.throws(() => decode(url, new Uint8Array()), (error) => {
      assert.ok(error instanceof GantryError);
      assert.equal(error.code, "unimplemented");
      assert.ok(error.message.includes(JSON.stringify(url)), error.message);
      return true;
    });
  }
  assert.throws(() => decodeMetrics(undefined), { code: "data_loss" });
});

test("one entry of Tasks/Metrics has its id and containerd's time with its fraction", () => {
  const data = { typeUrl: v2, value: encodeV2({ pids: { current: 1n } }) };
  const reading = decodeMetric({ id: "web", timestamp: { seconds: 1_795_376_986n, nanos: 402_199_735 }, data });
  assert.equal(reading.id, "web");
  assert.ok(Math.abs((reading.takenAt ?? 0) - 1_795_376_986_402.1997) < 0.001);
  assert.equal(reading.metrics.pids?.current, 1);
  assert.equal(decodeMetric({ id: "web", timestamp: undefined, data }).takenAt, undefined);
});

test("X01 any bytes are metrics or data_loss", () => {
  fc.assert(
    fc.property(fc.constantFrom(v1, v2), fc.uint8Array({ maxLength: 200 }), (url, bytes) => {
      try {
        decode(url, bytes);
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
        assert.equal(error.code, "data_loss");
      }
    }),
    { numRuns: 2000 },
  );
});

test("X01 recorded metrics that are cut short or have a bit flipped are metrics or data_loss", () => {
  const bytes = Uint8Array.fromHex(encodedV2);
  for (let index = 0; index < bytes.length; index++) {
    const flipped = bytes.slice();
    flipped[index] = (flipped[index] ?? 0) ^ 0x08;
    for (const broken of [bytes.subarray(0, index), flipped]) {
      try {
        decode(v2, broken);
      } catch (error) {
        assert.equal(error instanceof GantryError && error.code, "data_loss", String(error));
      }
    }
  }
});
