import assert from "node:assert/strict";
import fc from "fast-check";
import { readHostDevices, splitDeviceNumber } from "../../../lib/engine/spec/devices.ts";
import { cpuList, type HostFacts, readHostFacts } from "../../../lib/engine/spec/host_facts.ts";
import { prepareSpec } from "../../../lib/engine/spec/prepare.ts";
import { resolveInputs } from "../../../lib/engine/spec/resolve_inputs.ts";
import { composeLimits, type LimitRequest } from "../../../lib/engine/spec/resources.ts";
import { test } from "../../support/test.ts";
import { containerOptions, fullHost, gantryError, sampleId } from "./spec_fixtures.ts";

const status = "Name:\tx\nCapBnd:\t0000000000000003\nSeccomp:\t0\n";
const line = (target: string, type: string, options: string): string =>
  `30 20 0:30 / ${target} rw,relatime - ${type} ${type} ${options}\n`;
const unified = line("/sys/fs/cgroup", "cgroup2", "rw");
const legacy = line("/sys/fs/cgroup", "tmpfs", "rw") + line("/sys/fs/cgroup/memory", "cgroup", "rw,memory") +
  line("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct") + line("/sys/fs/cgroup/pids", "cgroup", "rw,pids");

/** Facts of a host that consists of these files. */
async function factsOf(files: Readonly<Record<string, string>>): Promise<HostFacts> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries({ "/proc/self/status": status, ...files })) {
      await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, content);
    }
    // Facts name files by the mount points in mountinfo, which are below the stand-in root here.
    return readHostFacts({ root });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

test("facts of this host are read in little time", () => {
  const facts = readHostFacts();
  assert.equal(facts.hostname, Deno.hostname());
  assert.equal(facts.kernel, Deno.osRelease());
  assert.ok(facts.cpus >= 1 && facts.capabilities.length > 0);
  const runs = 50;
  const start = performance.now();
  for (let run = 0; run < runs; run++) readHostFacts();
  const each = (performance.now() - start) / runs;
  // 0.3 ms on the machine it was written on; the allowance is for slow and busy ones.
  assert.ok(each < 5, `${each} ms`);
});

test("a host with cgroup v2 has what its root group delegates", async () => {
  const { cgroup, capabilities, seccomp, apparmor } = await factsOf({
    "/proc/self/mountinfo": unified,
    "/proc/self/cgroup": "0::/user.slice/x\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/sys/fs/cgroup/user.slice/x/memory.swap.max": "max\n",
  });
  assert.deepEqual(cgroup, { mode: "v2", memory: true, swap: true, cpu: true, pids: true });
  assert.deepEqual(capabilities, ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
  assert.deepEqual([seccomp, apparmor], [true, false]);
});

test("a host with cgroup v2 without swap accounting, or without controllers, says so", async () => {
  const files = { "/proc/self/mountinfo": unified, "/proc/self/cgroup": "0::/x\n" };
  const noSwap = await factsOf({ ...files, "/sys/fs/cgroup/cgroup.controllers": "memory\n" });
  assert.deepEqual(noSwap.cgroup, { mode: "v2", memory: true, swap: false, cpu: false, pids: false });
  assert.deepEqual((await factsOf(files)).cgroup, { mode: "v2", memory: false, swap: false, cpu: false, pids: false });
  const root = { "/proc/self/mountinfo": unified, "/proc/self/cgroup": "0::/\n", "/proc/swaps": "" };
  assert.equal((await factsOf({ ...root, "/sys/fs/cgroup/cgroup.controllers": "memory" })).cgroup.swap, true);
});

test("a host with cgroup v1 has the controllers that are mounted, also two at one place", async () => {
  const files = {
    "/proc/self/mountinfo": legacy,
    "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes": "0",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
  };
  assert.deepEqual((await factsOf(files)).cgroup, { mode: "v1", memory: true, swap: true, cpu: true, pids: true });
  const hybrid = { ...files, "/proc/self/mountinfo": legacy + line("/sys/fs/cgroup/unified", "cgroup2", "rw") };
  assert.equal((await factsOf(hybrid)).cgroup.mode, "hybrid");
  const bare = await factsOf({ "/proc/self/mountinfo": line("/sys/fs/cgroup/memory", "cgroup", "rw,memory") });
  assert.deepEqual(bare.cgroup, { mode: "v1", memory: true, swap: false, cpu: false, pids: false });
});

test("what a host tells of its processors, AppArmor, seccomp and sysctls is noticed", async () => {
  const facts = await factsOf({
    "/proc/self/mountinfo": unified,
    "/proc/self/status": "CapBnd:\t0000000000000000\n",
    "/proc/self/oom_score_adj": "-999\n",
    "/sys/module/apparmor/parameters/enabled": "Y\n",
    "/sys/kernel/security/apparmor/profiles": "",
    "/sys/devices/system/cpu/online": "0-2,7\n",
    "/sys/devices/system/cpu/possible": "0-1\n",
    "/sys/devices/system/cpu/cpu0/thermal_throttle/x": "",
    "/proc/sys/net/ipv4/ping_group_range": "1 0",
  });
  assert.deepEqual([facts.apparmor, facts.seccomp, facts.cpus, facts.oomScoreAdj], [true, false, 4, -999]);
  assert.deepEqual(facts.capabilities, []);
  assert.deepEqual(facts.networkSysctls, ["net.ipv4.ping_group_range"]);
  assert.deepEqual(facts.thermalPaths, [0, 1].map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`));
});

test("a host without control groups or without /proc cannot run containers", async () => {
  await assert.rejects(
    factsOf({ "/proc/self/mountinfo": "" }),
    gantryError("failed_precondition", /no control groups/),
  );
  await assert.rejects(factsOf({}), gantryError("failed_precondition", /mountinfo is missing/));
});

test("lists of processors are read as the kernel writes them", () => {
  assert.deepEqual(cpuList("0-3,8\n"), [0, 1, 2, 3, 8]);
  assert.deepEqual(cpuList("5"), [5]);
  for (const text of ["", "\n", "x", "3-1", "-1", "1-"]) assert.deepEqual(cpuList(text), [], text);
});

test("limits are what the kernel takes, with as much swap again", () => {
  const limitsOf = (request: LimitRequest): unknown => composeLimits(request, fullHost).limits;
  assert.deepEqual(limitsOf({}), {});
  assert.deepEqual(limitsOf({ memory: 512 * 1024 * 1024 }), { memory: { limit: 536870912, swap: 1073741824 } });
  assert.deepEqual(limitsOf({ cpus: 1.5 }), { cpu: { quota: 150000, period: 100000 } });
  assert.deepEqual(limitsOf({ cpus: 0.01 }), { cpu: { quota: 1000, period: 100000 } });
  assert.deepEqual(limitsOf({ pidsLimit: 7 }), { pids: { limit: 7 } });
  for (const pidsLimit of [0, -1]) assert.deepEqual(limitsOf({ pidsLimit }), {});
});

test("limits out of range are refused", () => {
  for (const memory of [0, -1, 6 * 1024 * 1024 - 1, NaN, Infinity, 2 ** 60]) {
    assert.throws(
      () => composeLimits({ memory }, fullHost),
      gantryError("invalid_argument", /--memory/),
      String(memory),
    );
  }
  for (const cpus of [0, -1, 0.001, 4.01, NaN, Infinity]) {
    assert.throws(
      () => composeLimits({ cpus }, fullHost),
      gantryError("invalid_argument", /--cpus/, /0.01 to 4/),
      String(cpus),
    );
  }
  for (const pidsLimit of [-2, 1.5, NaN]) {
    assert.throws(() => composeLimits({ pidsLimit }, fullHost), gantryError("invalid_argument", /--pids-limit/));
  }
});

test("a limit that the host cannot set is an error that names the option; missing swap is a warning", () => {
  const none = { cpus: 4, cgroup: { mode: "v1" as const, memory: false, swap: false, cpu: false, pids: false } };
  const asked: readonly (readonly [LimitRequest, RegExp])[] = [
    [{ memory: 2 ** 30 }, /--memory cannot be applied: this host has no memory controller/],
    [{ cpus: 1 }, /--cpus cannot be applied/],
    [{ pidsLimit: 1 }, /--pids-limit cannot be applied/],
  ];
  for (const [request, message] of asked) {
    assert.throws(() => composeLimits(request, none), gantryError("failed_precondition", message));
  }
  assert.deepEqual(composeLimits({ pidsLimit: -1 }, none).limits, {});
  const noSwap = { ...none, cgroup: { ...none.cgroup, memory: true } };
  const { limits, warnings } = composeLimits({ memory: 2 ** 30 }, noSwap);
  assert.deepEqual(limits, { memory: { limit: 2 ** 30 } });
  assert.match(warnings.join(), /--memory limits memory without swap/);
});

test("the host's devices are nodes with their numbers, without terminals of others", async () => {
  const devices = await readHostDevices();
  const at = (path: string): unknown => devices.find((device) => device.path === path);
  const info = await Deno.stat("/dev/null");
  assert.deepEqual(at("/dev/null"), {
    path: "/dev/null",
    type: "c",
    major: 1,
    minor: 3,
    fileMode: (info.mode ?? 0) & 0o7777,
    uid: info.uid,
    gid: info.gid,
  });
  assert.equal(at("/dev/console"), undefined);
  for (const { path } of devices) assert.doesNotMatch(path, /^\/dev\/(pts|shm|fd|mqueue)\//);
  await assert.rejects(readHostDevices({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
});

test("device numbers are taken apart as glibc does", () => {
  assert.deepEqual(splitDeviceNumber(0x0103), { major: 1, minor: 3 });
  assert.deepEqual(splitDeviceNumber(0xfe00), { major: 254, minor: 0 });
  fc.assert(fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 2 ** 20 - 1 }), (major, minor) => {
    // gnu_dev_makedev; what a double cannot hold exactly is left out.
    const [high, low] = [BigInt(major), BigInt(minor)];
    const rdev = (high & 0xfffn) << 8n | (high & 0xfffff000n) << 32n | low & 0xffn | (low & 0xffffff00n) << 12n;
    if (rdev <= BigInt(Number.MAX_SAFE_INTEGER)) assert.deepEqual(splitDeviceNumber(Number(rdev)), { major, minor });
  }));
});

test("inputs are read only where options ask for them, and a missing one is an error", async () => {
  const rootfs = { path: await Deno.makeTempDir(), overlay: false };
  try {
    assert.deepEqual(await resolveInputs(containerOptions({ rootfs })), {
      user: { uid: 0, gid: 0, groups: [0], home: "/" },
      seccompProfile: undefined,
      hostDevices: [],
      hostFiles: [],
      specFile: undefined,
    });
    const rejects = (options: Parameters<typeof containerOptions>[0], check: (error: unknown) => true): Promise<void> =>
      assert.rejects(resolveInputs(containerOptions({ rootfs, ...options })), check);
    await rejects({ rootfs: { path: "/no/such", overlay: false } }, gantryError("not_found", /root filesystem/));
    await rejects({ specFile: "/no/such" }, gantryError("not_found", /--spec \/no\/such/));
    await rejects({ securityOpt: ["seccomp=/no/such"] }, gantryError("not_found", /seccomp \/no\/such/));
    await rejects({ user: "nobody" }, gantryError("not_found", /unable to find user nobody/));
    await rejects(
      { mounts: [{ type: "bind", source: "/no/such", target: "/t", options: [] }] },
      gantryError("not_found", /mount at \/t/),
    );
    assert.ok((await resolveInputs(containerOptions({ rootfs, privileged: true }))).hostDevices.length > 0);
    const { spec } = await prepareSpec({ id: sampleId, namespace: "n", options: containerOptions({ rootfs }) });
    assert.equal(spec.root?.path, rootfs.path);
  } finally {
    await Deno.remove(rootfs.path, { recursive: true });
  }
});
