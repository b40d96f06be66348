import { GantryError } from "../../base/errors.ts";
import { capabilitiesOfMask } from "../../wire/capabilities.ts";
import { type CgroupFacts, readCgroupFacts } from "./cgroup_facts.ts";
import { cpuList } from "./cpuset.ts";
import { HostFiles } from "./host_files.ts";
import { hardLimits } from "./ulimits.ts";

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
  /** True when the kernel has cgroup namespaces (4.6). */
  readonly cgroupNamespaces: boolean;
  /** The bounding set of this process: what a container started from here can have at most. */
  readonly capabilities: readonly string[];
  /** OOM score adjustment of this process, -1000 to 1000. */
  readonly oomScoreAdj: number;
  /** Hard limits of this process by their `--ulimit` names; `rlimInfinity` for none. */
  readonly hardLimits: Readonly<Record<string, number>>;
  /** What the kernel allows as limit of open files to anybody (fs.nr_open). */
  readonly maxOpenFiles: number;
  /** True when AppArmor is enabled. */
  readonly apparmor: boolean;
  /** True when the kernel has seccomp filters. */
  readonly seccomp: boolean;
  /** Names of the sysctls docker sets in a container's own network namespace, as far as this kernel has them. */
  readonly networkSysctls: readonly string[];
  /** Directories of /sys that tell the load of a CPU; docker masks them (GHSA-6fw5-f8r9-fgfm). */
  readonly thermalPaths: readonly string[];
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
    cgroupNamespaces: files.has("/proc/self/ns/cgroup"),
    capabilities: capabilitiesOfMask(/^CapBnd:\s*(\S+)$/m.exec(status)?.[1] ?? ""),
    oomScoreAdj: Number(files.read("/proc/self/oom_score_adj") ?? 0),
    hardLimits: hardLimits(files.read("/proc/self/limits") ?? ""),
    maxOpenFiles: Number(files.read("/proc/sys/fs/nr_open") ?? 1024 * 1024),
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

function architecture(): Architecture {
  const { arch } = Deno.build;
  if (arch === "x86_64" || arch === "aarch64") return arch;
  throw new GantryError("failed_precondition", `gantry does not know the architecture ${JSON.stringify(arch)}`);
}
