import { type CgroupMode, cgroupModeOf } from "../../base/cgroup.ts";
import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";
import { parseMountInfo } from "../../base/mounts.ts";
import { capabilitiesOfMask } from "../../wire/capabilities.ts";

/** Architectures gantry makes specs for, in the kernel's words. */
export type Architecture = "x86_64" | "aarch64";

/** What a spec depends on beside the user's options. Plain data: a test can make one up. */
export interface HostFacts {
  readonly architecture: Architecture;
  /** Kernel release, e.g. `6.1.0-18-amd64`. */
  readonly kernel: string;
  readonly hostname: string;
  /** CPUs that are online. */
  readonly cpus: number;
  readonly cgroup: CgroupFacts;
  /** The bounding set of this process: what a container started from here can have at most. */
  readonly capabilities: readonly string[];
  /** OOM score adjustment of this process, -1000 to 1000. */
  readonly oomScoreAdj: number;
  /** True when AppArmor is enabled. */
  readonly apparmor: boolean;
  /** True when the kernel has seccomp filters. */
  readonly seccomp: boolean;
  /** Names of the sysctls docker sets in a container's own network namespace, as far as this kernel has them. */
  readonly networkSysctls: readonly string[];
  /** Directories of /sys that tell the load of a CPU; docker masks them (GHSA-6fw5-f8r9-fgfm). */
  readonly thermalPaths: readonly string[];
}

/** Which limits this host can set. */
export interface CgroupFacts {
  readonly mode: CgroupMode;
  readonly memory: boolean;
  /** True when a limit can include swap. */
  readonly swap: boolean;
  /** True when CPU time can be limited (quota and period). */
  readonly cpu: boolean;
  readonly pids: boolean;
}

/** Options of {@link readHostFacts}. */
export interface HostFactsOptions {
  /** A directory that stands for `/`, with its own proc and sys: for tests. Default: empty. */
  readonly root?: string | undefined;
}

const sysctls = ["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"];
const thermalOf = (cpu: number): string => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`;

/**
 * Reads what specs depend on: a dozen small files of /proc and /sys. They do not change while this process lives.
 * Synchronous on purpose: the kernel answers from memory in 10 µs a file, and the first asynchronous read of a process
 * costs 2–7 ms for Deno's thread pool.
 * `failed_precondition` when no control groups are mounted or gantry does not know the architecture.
 */
export function readHostFacts(options: HostFactsOptions = {}): HostFacts {
  const files = new HostFiles(options.root ?? "");
  const status = files.need("/proc/self/status");
  return {
    architecture: architecture(),
    kernel: Deno.osRelease(),
    hostname: Deno.hostname(),
    cpus: Math.max(1, cpuList(files.read("/sys/devices/system/cpu/online") ?? "").length),
    cgroup: readCgroupFacts(files),
    capabilities: capabilitiesOfMask(/^CapBnd:\s*(\S+)$/m.exec(status)?.[1] ?? ""),
    oomScoreAdj: Number(files.read("/proc/self/oom_score_adj") ?? 0),
    apparmor: files.read("/sys/module/apparmor/parameters/enabled")?.startsWith("Y") === true &&
      files.has("/sys/kernel/security/apparmor"),
    // The line is printed only by kernels with CONFIG_SECCOMP.
    seccomp: /^Seccomp:/m.test(status),
    networkSysctls: sysctls.filter((name) => files.has(`/proc/sys/${name.replaceAll(".", "/")}`)),
    thermalPaths: files.has(thermalOf(0))
      ? cpuList(files.read("/sys/devices/system/cpu/possible") ?? "0").map(thermalOf)
      : [],
  };
}

/** The CPUs of a list as sysfs prints it, e.g. `0-3,8` is 0, 1, 2, 3, 8. Junk in it is left out. */
export function cpuList(text: string): readonly number[] {
  return text.trim().split(",").flatMap((range) => {
    const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(range) ?? [];
    if (first === undefined) return [];
    return Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, index) => Number(first) + index);
  });
}

function readCgroupFacts(files: HostFiles): CgroupFacts {
  // A host with hundreds of containers has thousands of mounts; only the lines about control groups are parsed.
  const lines = files.need("/proc/self/mountinfo").split("\n").filter((line) => line.includes("/sys/fs/cgroup"));
  const mounts = parseMountInfo(lines.join("\n"));
  const mode = cgroupModeOf(mounts);
  if (mode === "v2") return readUnifiedFacts(files);
  const mountOf = (controller: string): string | undefined =>
    mounts.findLast((mount) => mount.type === "cgroup" && mount.superOptions.includes(controller))?.mountPoint;
  const [memory, cpu] = [mountOf("memory"), mountOf("cpu")];
  return {
    mode,
    memory: memory !== undefined,
    // Absent when the kernel runs with swapaccount=0.
    swap: memory !== undefined && files.has(`${memory}/memory.memsw.limit_in_bytes`),
    // Absent without CONFIG_CFS_BANDWIDTH.
    cpu: cpu !== undefined && files.has(`${cpu}/cpu.cfs_quota_us`),
    pids: mountOf("pids") !== undefined,
  };
}

function readUnifiedFacts(files: HostFiles): CgroupFacts {
  const controllers = (files.read("/sys/fs/cgroup/cgroup.controllers") ?? "").trim().split(" ");
  const group = /^0::(\/.*)$/m.exec(files.read("/proc/self/cgroup") ?? "")?.[1] ?? "/";
  const memory = controllers.includes("memory");
  // The root group has no limits of its own to look at; there a kernel with swap is taken to account for it.
  const swapFile = group === "/" ? "/proc/swaps" : `/sys/fs/cgroup${group}/memory.swap.max`;
  return {
    mode: "v2",
    memory,
    swap: memory && files.has(swapFile),
    cpu: controllers.includes("cpu"),
    pids: controllers.includes("pids"),
  };
}

function architecture(): Architecture {
  const { arch } = Deno.build;
  if (arch === "x86_64" || arch === "aarch64") return arch;
  throw new GantryError("failed_precondition", `gantry does not know the architecture ${JSON.stringify(arch)}`);
}

/** Files of /proc and /sys, of which some exist only on some kernels. */
class HostFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  need(path: string): string {
    const text = this.read(path);
    if (text !== undefined) return text;
    throw new GantryError("failed_precondition", `${this.#root}${path} is missing`, { hint: "is /proc mounted?" });
  }

  read(path: string): string | undefined {
    return this.#unlessAbsent(path, Deno.readTextFileSync);
  }

  has(path: string): boolean {
    return this.#unlessAbsent(path, Deno.statSync) !== undefined;
  }

  #unlessAbsent<T>(path: string, look: (path: string) => T): T | undefined {
    try {
      return look(`${this.#root}${path}`);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw systemError(error, `read ${this.#root}${path}`);
    }
  }
}

/** Gone, or hidden by a container or a security module around us: for gantry that is the same. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.PermissionDenied;
}
