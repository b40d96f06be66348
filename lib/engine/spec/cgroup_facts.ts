import { type CgroupMode, cgroupModeOf } from "../../base/cgroup.ts";
import { GantryError } from "../../base/errors.ts";
import { parseMountInfo } from "../../base/mounts.ts";
import type { HostFiles } from "./host_files.ts";

/** Which limits this host can set. */
export interface CgroupFacts {
  readonly mode: CgroupMode;
  readonly memory: boolean;
  /** True when a limit can include swap. */
  readonly swap: boolean;
  /** True when CPU time can be limited (quota and period). */
  readonly cpu: boolean;
  /** True when CPU time can be weighed. */
  readonly cpuShares: boolean;
  /** What containers can be pinned to; undefined without the controller. */
  readonly cpuset: CpusetFacts | undefined;
  readonly pids: boolean;
  /** True when disk time can be weighed: by CFQ or BFQ on v1, by the io controller or BFQ on v2. */
  readonly ioWeight: boolean;
}

/** Lists as the kernel prints them, e.g. `0-3,8`. */
export interface CpusetFacts {
  readonly cpus: string;
  readonly mems: string;
}

/** Reads which limits can be set. `failed_precondition` when no control groups are mounted. */
export function readCgroupFacts(files: HostFiles): CgroupFacts {
  // A host with hundreds of containers has thousands of mounts; only the lines about control groups are parsed.
  const lines = files.need("/proc/self/mountinfo").split("\n").filter((line) => line.includes("/sys/fs/cgroup"));
  const mounts = parseMountInfo(lines.join("\n"));
  const mode = cgroupModeOf(mounts);
  if (mode === "v2") return readUnifiedFacts(files);
  const mountOf = (controller: string): string | undefined =>
    mounts.findLast((mount) => mount.type === "cgroup" && mount.superOptions.includes(controller))?.mountPoint;
  const has = (controller: string, file: string): boolean => {
    const mount = mountOf(controller);
    return mount !== undefined && files.has(`${mount}/${file}`);
  };
  const cpuset = mountOf("cpuset");
  return {
    mode,
    memory: mountOf("memory") !== undefined,
    // Absent when the kernel runs with swapaccount=0.
    swap: has("memory", "memory.memsw.limit_in_bytes"),
    // Absent without CONFIG_CFS_BANDWIDTH.
    cpu: has("cpu", "cpu.cfs_quota_us"),
    cpuShares: has("cpu", "cpu.shares"),
    cpuset: cpuset === undefined ? undefined : cpusetAt(cpuset, ["cpuset.effective_", "cpuset."], files),
    pids: mountOf("pids") !== undefined,
    // BFQ's weight is not in the root group, but its statistics are; runc falls back to it where CFQ's is absent.
    ioWeight: has("blkio", "blkio.weight") || has("blkio", "blkio.bfq.io_service_bytes"),
  };
}

/** For a limit of a controller that this host does not have. */
export function noController(flag: string, controller: string): GantryError {
  return new GantryError(
    "failed_precondition",
    `${flag} cannot be applied: this host has no ${controller} controller`,
    { hint: `mount or delegate the ${controller} cgroup controller, or leave ${flag} out` },
  );
}

function readUnifiedFacts(files: HostFiles): CgroupFacts {
  const controllers = (files.read(`${unifiedRoot}/cgroup.controllers`) ?? "").trim().split(" ");
  const group = /^0::(\/.*)$/m.exec(files.read("/proc/self/cgroup") ?? "")?.[1] ?? "/";
  const memory = controllers.includes("memory");
  const cpu = controllers.includes("cpu");
  // The root group has no limits of its own to look at; there a kernel with swap is taken to account for it.
  const swapFile = group === "/" ? "/proc/swaps" : `${unifiedRoot}${group}/memory.swap.max`;
  return {
    mode: "v2",
    memory,
    swap: memory && files.has(swapFile),
    cpu,
    cpuShares: cpu,
    cpuset: controllers.includes("cpuset") ? unifiedCpuset(files) : undefined,
    pids: controllers.includes("pids"),
    ioWeight: controllers.includes("io") && hasIoWeight(group, files),
  };
}

const unifiedRoot = "/sys/fs/cgroup";

/** The root group of v2 has the effective lists, with a suffix instead of v1's infix. */
function unifiedCpuset(files: HostFiles): CpusetFacts {
  const read = (name: string): string => (files.read(`${unifiedRoot}/cpuset.${name}.effective`) ?? "").trim();
  const online = (files.read("/sys/devices/system/cpu/online") ?? "").trim();
  return { cpus: read("cpus") || online, mems: read("mems") || "0" };
}

function cpusetAt(mount: string, prefixes: readonly string[], files: HostFiles): CpusetFacts {
  const read = (name: string): string => {
    const texts = prefixes.map((prefix) => files.read(`${mount}/${prefix}${name}`)?.trim());
    return texts.find((text) => text !== undefined && text !== "") ?? "";
  };
  return { cpus: read("cpus"), mems: read("mems") };
}

/** The weights are in no root group, so one below it is asked: ours, or any. iocost's own file is in the root alone. */
function hasIoWeight(group: string, files: HostFiles): boolean {
  if (files.has(`${unifiedRoot}/io.cost.qos`)) return true;
  const groups = group === "/" ? files.directories(unifiedRoot).map((name) => `/${name}`) : [group];
  return groups.some((path) =>
    ["io.weight", "io.bfq.weight"].some((file) => files.has(`${unifiedRoot}${path}/${file}`))
  );
}
