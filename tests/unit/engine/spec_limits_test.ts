import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { parseMemorySwap } from "../../../lib/engine/spec/memory_limits.ts";
import { composeLimits, type LimitRequest } from "../../../lib/engine/spec/resources.ts";
import { composeRlimits, parseUlimit, rlimInfinity } from "../../../lib/engine/spec/ulimits.ts";
import { encodeOci } from "../../../lib/wire/oci_json.ts";
import { test } from "../../support/test.ts";
import { bareCgroup, fullHost, gantryError } from "./spec_fixtures.ts";

const mib = 2 ** 20;
const bare = { cpus: 4, cgroup: bareCgroup };
const noSwap = { ...fullHost, cgroup: { ...fullHost.cgroup, swap: false } };

function limitsOf(request: LimitRequest): unknown {
  return composeLimits(request, fullHost).limits;
}

function assertRefused(cases: readonly (readonly [LimitRequest, RegExp])[], hint?: RegExp): void {
  for (const [request, message] of cases) {
    assert.throws(
      () => composeLimits(request, fullHost),
      gantryError("invalid_argument", message, hint),
      JSON.stringify(request),
    );
  }
}

test("limits are what the kernel takes, with as much swap again", () => {
  assert.deepEqual(limitsOf({}), {});
  assert.deepEqual(limitsOf({ memory: 512 * mib }), { memory: { limit: 536870912, swap: 1073741824 } });
  assert.deepEqual(limitsOf({ cpus: 1.5 }), { cpu: { quota: 150000, period: 100000 } });
  assert.deepEqual(limitsOf({ cpus: 0.01 }), { cpu: { quota: 1000, period: 100000 } });
  assert.deepEqual(limitsOf({ pidsLimit: 7 }), { pids: { limit: 7 } });
  for (const pidsLimit of [0, -1]) assert.deepEqual(limitsOf({ pidsLimit }), {});
  assert.deepEqual(limitsOf({ cpuShares: 512, cpusetCpus: "0-1,3", cpusetMems: "0" }), {
    cpu: { shares: 512, cpus: "0-1,3", mems: "0" },
  });
  assert.deepEqual(limitsOf({ cpuShares: 0, blkioWeight: 0, memorySwap: 0 }), {});
  assert.deepEqual(limitsOf({ blkioWeight: 10 }), { blockIO: { weight: 10 } });
});

test("memory, swap and reservation follow docker's rules", () => {
  const memory = 64 * mib;
  const cases: readonly (readonly [LimitRequest, unknown])[] = [
    [{ memory, memorySwap: 0 }, { limit: memory, swap: 2 * memory }],
    [{ memory, memorySwap: memory }, { limit: memory, swap: memory }],
    [{ memory, memorySwap: -1 }, { limit: memory, swap: -1 }],
    [{ memory, memoryReservation: 32 * mib }, { limit: memory, reservation: 32 * mib, swap: 2 * memory }],
    [{ memoryReservation: 32 * mib }, { reservation: 32 * mib }],
    [{ memorySwap: -1 }, undefined],
  ];
  for (const [request, expected] of cases) {
    assert.deepEqual(composeLimits(request, fullHost).limits.memory, expected, JSON.stringify(request));
  }
  assertRefused([[{ memorySwap: memory }, /--memory-swap 64MiB needs a limit of memory/]], /--memory too/);
  assertRefused([[{ memory, memorySwap: memory - 1 }, /--memory-swap 64MiB is less than --memory 64MiB/]], /together/);
  assertRefused([
    [{ memory, memorySwap: -2 }, /--memory-swap -2/],
    [{ memory, memorySwap: 1e8 + 0.5 }, /--memory-swap/],
    [{ memory, memoryReservation: memory + mib }, /--memory 64MiB is less than --memory-reservation 65MiB/],
    [{ memoryReservation: mib }, /--memory-reservation 1MiB is too little/],
  ]);
});

test("limits out of range are refused", () => {
  assertRefused([0, -1, 6 * mib - 1, NaN, Infinity, 2 ** 60].map((memory) => [{ memory }, /--memory/]));
  assertRefused([0, -1, 0.001, 4.01, NaN, Infinity].map((cpus) => [{ cpus }, /--cpus/]), /0.01 to 4/);
  assertRefused([-2, 1.5, NaN].map((pidsLimit) => [{ pidsLimit }, /--pids-limit/]));
  assertRefused([1, -1, 262145, 2.5, NaN].map((cpuShares) => [{ cpuShares }, /--cpu-shares/]), /2 to 262144/);
  assertRefused([1, 9, 1001, -1, 10.5, NaN].map((blkioWeight) => [{ blkioWeight }, /--blkio-weight/]), /10 to 1000/);
});

test("CPUs and memory nodes are those of this host, and the message says which there are", () => {
  assertRefused([[{ cpusetCpus: "0-4" }, /--cpuset-cpus 0-4: there is no CPU 4/]], /they can use 0-3/);
  assertRefused([[{ cpusetMems: "1" }, /--cpuset-mems 1: there is no memory node 1/]], /they can use 0/);
  assertRefused([[{ cpusetCpus: "0-" }, /"0-", which is neither/], [{ cpusetMems: "" }, /is empty/]]);
  const offline = { ...fullHost, cgroup: { ...fullHost.cgroup, cpuset: { cpus: "1,3", mems: "" } } };
  assert.deepEqual(composeLimits({ cpusetCpus: "3,1" }, offline).limits, { cpu: { cpus: "3,1" } });
  assert.throws(() => composeLimits({ cpusetCpus: "2" }, offline), gantryError("invalid_argument", /no CPU 2/, /1,3/));
  assert.throws(() => composeLimits({ cpusetMems: "0" }, offline), gantryError("invalid_argument", /node 0/, /none/));
});

test("a limit that the host cannot set is an error that names the option; missing swap is a warning", () => {
  const asked: readonly (readonly [LimitRequest, RegExp])[] = [
    [{ memory: 2 ** 30 }, /--memory cannot be applied: this host has no memory controller/],
    [{ memoryReservation: 2 ** 30 }, /--memory-reservation cannot be applied/],
    [{ cpus: 1 }, /--cpus cannot be applied/],
    [{ cpuShares: 2 }, /--cpu-shares cannot be applied/],
    [{ cpusetCpus: "0" }, /--cpuset-cpus cannot be applied: this host has no cpuset controller/],
    [{ cpusetMems: "0" }, /--cpuset-mems cannot be applied/],
    [{ pidsLimit: 1 }, /--pids-limit cannot be applied/],
    [{ blkioWeight: 10 }, /--blkio-weight cannot be applied: .*neither CFQ nor BFQ/],
  ];
  for (const [request, message] of asked) {
    assert.throws(() => composeLimits(request, bare), gantryError("failed_precondition", message));
  }
  const v2 = { cpus: 4, cgroup: { ...bareCgroup, mode: "v2" as const } };
  assert.throws(
    () => composeLimits({ blkioWeight: 10 }, v2),
    gantryError(
      "failed_precondition",
      /--blkio-weight cannot be applied: there is neither io\.weight/,
      /io controller/,
    ),
  );
  assert.deepEqual(composeLimits({ pidsLimit: -1 }, bare).limits, {});
  const { limits, warnings } = composeLimits({ memory: 2 ** 30 }, noSwap);
  assert.deepEqual(limits, { memory: { limit: 2 ** 30 } });
  assert.match(warnings.join(), /--memory limits memory without swap/);
});

test("a sum of memory and swap needs a kernel that accounts for swap; no limit of swap does not", () => {
  assert.throws(
    () => composeLimits({ memory: 2 ** 30, memorySwap: 2 ** 31 }, noSwap),
    gantryError("failed_precondition", /--memory-swap 2GiB cannot be applied/, /swapaccount=1/),
  );
  assert.deepEqual(composeLimits({ memory: 2 ** 30, memorySwap: -1 }, noSwap), {
    limits: { memory: { limit: 2 ** 30 } },
    warnings: [],
  });
});

test("--memory-swap takes docker's sizes and -1", () => {
  assert.equal(parseMemorySwap("-1"), -1);
  assert.equal(parseMemorySwap("1g"), 2 ** 30);
  assert.equal(parseMemorySwap("0"), 0);
  for (const text of ["", "-2", "-1g", "x", "1e9"]) {
    assert.throws(() => parseMemorySwap(text), gantryError("invalid_argument", /^--memory-swap: /, /-1 for no limit/));
  }
});

test("--ulimit takes a name and one or two limits", () => {
  const cases: Readonly<Record<string, readonly [soft: number, hard: number]>> = {
    "nofile=1024:2048": [1024, 2048],
    "nofile=1024": [1024, 1024],
    "core=-1": [-1, -1],
    "core=0:-1": [0, -1],
    "core=0:unlimited": [0, -1],
    "stack=8388608:9007199254740991": [8388608, Number.MAX_SAFE_INTEGER],
  };
  for (const [text, [soft, hard]] of Object.entries(cases)) {
    assert.deepEqual(parseUlimit(text), { name: text.split("=")[0], soft, hard }, text);
  }
  const refused: Readonly<Record<string, RegExp>> = {
    "": /has no value/,
    "nofile": /has no value/,
    "=1": /has no name/,
    "nofiles=1": /unknown name "nofiles"/,
    "as=1": /unknown name "as"/,
    "constructor=1": /unknown name/,
    "nofile=": /has the limit ""/,
    "nofile=1:": /has the limit ""/,
    "nofile=-2": /has the limit "-2"/,
    "nofile=1k": /has the limit "1k"/,
    "nofile=9007199254740992": /has the limit/,
    "nofile=2:1": /soft limit above the hard one \(1\)/,
    "nofile=-1:1": /soft limit above/,
    "nofile=1:2:3": /more than one colon/,
  };
  for (const [text, message] of Object.entries(refused)) {
    assert.throws(() => parseUlimit(text), gantryError("invalid_argument", message), text);
    assert.throws(() => parseUlimit(text), (error) => String(error).includes(`--ulimit ${JSON.stringify(text)} `));
  }
  assert.throws(() => parseUlimit("nofle=1"), gantryError("invalid_argument", /nofle/, /nofile/));
});

test("limits of processes are setrlimit's, no limit is 2^64 - 1, and the last of a name counts", () => {
  const ulimits = ["nofile=1:2", "core=0:-1", "nofile=3:4"].map(parseUlimit);
  const rlimits = composeRlimits(ulimits, fullHost);
  assert.deepEqual(rlimits, [
    { type: "RLIMIT_NOFILE", hard: 4, soft: 3 },
    { type: "RLIMIT_CORE", hard: rlimInfinity, soft: 0 },
  ]);
  assert.match(encodeOci({ rlimits }), /"hard":18446744073709551615,"soft":0/);
});

test("a hard limit above ours needs CAP_SYS_RESOURCE, and open files end at fs.nr_open for everybody", () => {
  const weak = { ...fullHost, capabilities: ["CAP_CHOWN"] };
  assert.equal(composeRlimits([parseUlimit("nofile=20000")], weak).length, 1);
  assert.equal(composeRlimits([parseUlimit("core=-1")], weak).length, 1);
  assert.throws(
    () => composeRlimits([parseUlimit("nofile=1024:20001")], weak),
    gantryError(
      "failed_precondition",
      /--ulimit nofile=1024:20001: the hard limit is above gantry's own \(20000\).*no CAP_SYS_RESOURCE/,
      /at most 20000/,
    ),
  );
  assert.equal(composeRlimits([parseUlimit("nofile=1048576")], fullHost).length, 1);
  for (const text of ["nofile=1048577", "nofile=1:-1"]) {
    assert.throws(
      () => composeRlimits([parseUlimit(text)], fullHost),
      gantryError("failed_precondition", /no more than 1048576 open files/, /fs\.nr_open/),
    );
  }
});

test("a program's own limits are checked like those of the command line", () => {
  for (
    const ulimit of [{ name: "x", soft: 1, hard: 1 }, { name: "core", soft: 1.5, hard: 2 }, {
      name: "core",
      soft: 0,
      hard: NaN,
    }, { name: "core", soft: 2, hard: 1 }]
  ) {
    assert.throws(() => composeRlimits([ulimit], fullHost), gantryError("invalid_argument", /^--ulimit/));
  }
});

test("X01 no request for limits gives anything but limits or an error of ours", () => {
  const number = fc.option(fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-1, 0, 2 ** 30)), { nil: undefined });
  const request = fc.record({
    memory: number,
    memorySwap: number,
    memoryReservation: number,
    cpus: number,
    cpuShares: number,
    pidsLimit: number,
    blkioWeight: number,
    cpusetCpus: fc.option(fc.string({ unit: fc.constantFrom(..."01234-, ") }), { nil: undefined }),
  });
  fc.assert(fc.property(request, (limits) => {
    try {
      const { memory, cpu } = composeLimits(limits, fullHost).limits;
      if (memory?.limit !== undefined && memory.swap !== undefined) {
        assert.ok(memory.swap === -1 || memory.swap >= memory.limit);
      }
      if (cpu?.cpus !== undefined) assert.match(cpu.cpus, /^[0-3](-[0-3])?(,[0-3](-[0-3])?)*$/);
    } catch (error) {
      assert.ok(error instanceof GantryError, String(error));
    }
  }));
});
