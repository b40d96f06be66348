import assert from "node:assert/strict";
import fc from "fast-check";
import { readHostDevices, splitDeviceNumber } from "../../../lib/engine/spec/devices.ts";
import { cpuList } from "../../../lib/engine/spec/cpuset.ts";
import { type HostFacts, readHostFacts } from "../../../lib/engine/spec/host_facts.ts";
import { prepareSpec } from "../../../lib/engine/spec/prepare.ts";
import { resolveInputs } from "../../../lib/engine/spec/resolve_inputs.ts";
import { test } from "../../support/test.ts";
import { bareCgroup, containerOptions, gantryError, sampleId } from "./spec_fixtures.ts";

const status = "Name:\tx\nCapBnd:\t0000000000000003\nSeccomp:\t0\n";
const line = (target: string, type: string, options: string): string =>
  `30 20 0:30 / ${target} rw,relatime - ${type} ${type} ${options}\n`;
const unified = line("/sys/fs/cgroup", "cgroup2", "rw");
const legacy = line("/sys/fs/cgroup", "tmpfs", "rw") + line("/sys/fs/cgroup/memory", "cgroup", "rw,memory") +
  line("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct") + line("/sys/fs/cgroup/pids", "cgroup", "rw,pids") +
  line("/sys/fs/cgroup/cpuset", "cgroup", "rw,cpuset") + line("/sys/fs/cgroup/blkio", "cgroup", "rw,blkio");

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

test("facts of this host are what Deno says too", () => {
  const facts = readHostFacts();
  assert.equal(facts.hostname, Deno.hostname());
  assert.equal(facts.kernel, Deno.osRelease());
  assert.ok(facts.cpus >= 1 && facts.capabilities.length > 0);
});

test("a host with cgroup v2 has what its root group delegates", async () => {
  const { cgroup, capabilities, seccomp, apparmor } = await factsOf({
    "/proc/self/mountinfo": unified,
    "/proc/self/cgroup": "0::/user.slice/x\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/sys/fs/cgroup/user.slice/x/memory.swap.max": "max\n",
    "/sys/fs/cgroup/user.slice/x/io.weight": "default 100\n",
    "/sys/fs/cgroup/cpuset.cpus.effective": "0-7\n",
    "/sys/fs/cgroup/cpuset.mems.effective": "0-1\n",
  });
  assert.deepEqual(cgroup, {
    mode: "v2",
    memory: true,
    swap: true,
    cpu: true,
    cpuShares: true,
    cpuset: { cpus: "0-7", mems: "0-1" },
    pids: true,
    ioWeight: true,
  });
  assert.deepEqual(capabilities, ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
  assert.deepEqual([seccomp, apparmor], [true, false]);
});

test("a host with cgroup v2 without swap accounting, or without controllers, says so", async () => {
  const files = { "/proc/self/mountinfo": unified, "/proc/self/cgroup": "0::/x\n" };
  const noSwap = await factsOf({ ...files, "/sys/fs/cgroup/cgroup.controllers": "memory\n" });
  assert.deepEqual(noSwap.cgroup, { ...bareCgroup, mode: "v2", memory: true });
  assert.deepEqual((await factsOf(files)).cgroup, { ...bareCgroup, mode: "v2" });
  const root = { "/proc/self/mountinfo": unified, "/proc/self/cgroup": "0::/\n", "/proc/swaps": "" };
  assert.equal((await factsOf({ ...root, "/sys/fs/cgroup/cgroup.controllers": "memory" })).cgroup.swap, true);
});

test("the weight of disk time on cgroup v2 is looked for where the root group does not have it", async () => {
  const files = { "/proc/self/mountinfo": unified, "/sys/fs/cgroup/cgroup.controllers": "io cpuset\n" };
  const weightOf = async (more: Readonly<Record<string, string>>): Promise<boolean> =>
    (await factsOf({ ...files, ...more })).cgroup.ioWeight;
  const root = { "/proc/self/cgroup": "0::/\n" };
  assert.equal(await weightOf(root), false);
  assert.equal(await weightOf({ ...root, "/sys/fs/cgroup/io.cost.qos": "" }), true);
  assert.equal(await weightOf({ ...root, "/sys/fs/cgroup/system.slice/io.bfq.weight": "100" }), true);
  assert.equal(await weightOf({ "/proc/self/cgroup": "0::/x\n", "/sys/fs/cgroup/y/io.weight": "100" }), false);
  // Without the effective lists: what is online, and the node every host has.
  const { cgroup } = await factsOf({ ...files, ...root, "/sys/devices/system/cpu/online": "0-2\n" });
  assert.deepEqual(cgroup.cpuset, { cpus: "0-2", mems: "0" });
});

test("a host with cgroup v1 has the controllers that are mounted, also two at one place", async () => {
  const files = {
    "/proc/self/mountinfo": legacy,
    "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes": "0",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.shares": "1024",
    "/sys/fs/cgroup/cpuset/cpuset.effective_cpus": "0-1\n",
    "/sys/fs/cgroup/cpuset/cpuset.effective_mems": "\n",
    "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
    "/sys/fs/cgroup/blkio/blkio.bfq.io_service_bytes": "",
  };
  assert.deepEqual((await factsOf(files)).cgroup, {
    mode: "v1",
    memory: true,
    swap: true,
    cpu: true,
    cpuShares: true,
    cpuset: { cpus: "0-1", mems: "0" },
    pids: true,
    ioWeight: true,
  });
  const hybrid = { ...files, "/proc/self/mountinfo": legacy + line("/sys/fs/cgroup/unified", "cgroup2", "rw") };
  assert.equal((await factsOf(hybrid)).cgroup.mode, "hybrid");
  const bare = await factsOf({ "/proc/self/mountinfo": line("/sys/fs/cgroup/memory", "cgroup", "rw,memory") });
  assert.deepEqual(bare.cgroup, { ...bareCgroup, memory: true });
});

test("what a host tells of its processors, AppArmor, seccomp and sysctls is noticed", async () => {
  const facts = await factsOf({
    "/proc/self/mountinfo": unified,
    "/proc/self/status": "CapBnd:\t0000000000000000\n",
    "/proc/self/oom_score_adj": "-999\n",
    "/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \n" +
      "Max cpu time              unlimited            unlimited            seconds   \n" +
      "Max open files            1024                 524288               files     \n" +
      "Max nice priority         0                    0                    \n",
    "/proc/sys/fs/nr_open": "1048576\n",
    "/sys/module/apparmor/parameters/enabled": "Y\n",
    "/sys/kernel/security/apparmor/profiles": "",
    "/sys/devices/system/cpu/online": "0-2,7\n",
    "/sys/devices/system/cpu/possible": "0-1\n",
    "/sys/devices/system/cpu/cpu0/thermal_throttle/x": "",
    "/proc/sys/net/ipv4/ping_group_range": "1 0",
  });
  assert.deepEqual([facts.apparmor, facts.seccomp, facts.cpus, facts.oomScoreAdj], [true, false, 4, -999]);
  assert.deepEqual(facts.capabilities, []);
  assert.deepEqual(facts.hardLimits, { cpu: 2 ** 64, nice: 0, nofile: 524288 });
  assert.deepEqual([facts.maxOpenFiles, facts.cgroupNamespaces], [1048576, false]);
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
      extraGroups: [],
      hostDevices: [],
      devices: [],
      init: undefined,
      hostFiles: [],
      hostTexts: {},
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
