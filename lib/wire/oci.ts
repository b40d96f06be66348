/**
 * The parts of the OCI runtime specification (config.json, version 1.0.2 to 1.2) that gantry writes or reads.
 * Fields gantry does not know are kept as they are when a spec comes from a file.
 */

import type { Resources } from "./oci_resources.ts";

/** A whole config.json. */
export interface Spec {
  /** Semantic version of the specification. */
  readonly ociVersion: string;
  /** The first process. */
  readonly process?: Process | undefined;
  /** The root filesystem. */
  readonly root?: Root | undefined;
  /** Host name in the container's own UTS namespace. */
  readonly hostname?: string | undefined;
  /** NIS domain name in that namespace. */
  readonly domainname?: string | undefined;
  /** In the order in which they are mounted. */
  readonly mounts?: readonly Mount[] | undefined;
  /** By point of the life: `createRuntime`, `poststart`, `poststop`, …. */
  readonly hooks?: Readonly<Record<string, readonly Hook[]>> | undefined;
  /** Free text for runtimes and tools. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** What is particular to Linux. */
  readonly linux?: Linux | undefined;
}

/** The first process of a container, or one that is exec'ed in it. */
export interface Process {
  /** Gives it a terminal. Default false. */
  readonly terminal?: boolean | undefined;
  /** Size of the terminal in characters, set before the process runs. */
  readonly consoleSize?: ConsoleSize | undefined;
  /** Who it runs as. */
  readonly user: User;
  /** argv; empty only in a spec that somebody else completes. */
  readonly args: readonly string[];
  /** `KEY=VALUE`. */
  readonly env?: readonly string[] | undefined;
  /** Absolute path in the container. */
  readonly cwd: string;
  /** Its capability sets; none when absent. */
  readonly capabilities?: Capabilities | undefined;
  /** Its resource limits; those of the runtime when absent. */
  readonly rlimits?: readonly Rlimit[] | undefined;
  /** Set-user-id programs and file capabilities give nothing. Default false. */
  readonly noNewPrivileges?: boolean | undefined;
  /** Name of a loaded AppArmor profile. */
  readonly apparmorProfile?: string | undefined;
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number | undefined;
  /** SELinux context. */
  readonly selinuxLabel?: string | undefined;
}

/** Size of a terminal in characters. */
export interface ConsoleSize {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** Numeric identity of a process. */
export interface User {
  /** User id in the container. */
  readonly uid: number;
  /** Group id in the container. */
  readonly gid: number;
  /** File mode creation mask; that of the runtime when absent. */
  readonly umask?: number | undefined;
  /** Supplementary group ids. */
  readonly additionalGids?: readonly number[] | undefined;
}

/** Names such as `CAP_CHOWN` in each of the five sets. */
export interface Capabilities {
  /** What it and its children can ever get. */
  readonly bounding?: readonly string[] | undefined;
  /** What counts now. */
  readonly effective?: readonly string[] | undefined;
  /** What is kept across exec by programs with file capabilities. */
  readonly inheritable?: readonly string[] | undefined;
  /** What may be made effective. */
  readonly permitted?: readonly string[] | undefined;
  /** What programs without file capabilities keep across exec. */
  readonly ambient?: readonly string[] | undefined;
}

/** A limit such as `RLIMIT_NOFILE`. */
export interface Rlimit {
  /** Name as in setrlimit(2). */
  readonly type: string;
  /** Ceiling of the soft limit. */
  readonly hard: number;
  /** The limit that counts. */
  readonly soft: number;
}

/** The root filesystem. */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  /** Mounted read-only. Default false. */
  readonly readonly?: boolean | undefined;
}

/** One mount inside the container. */
export interface Mount {
  /** Absolute path in the container. */
  readonly destination: string;
  /** Filesystem type; `bind` or none for bind mounts. */
  readonly type?: string | undefined;
  /** Device, path, or a name for those without either. */
  readonly source?: string | undefined;
  /** As mount(8) takes them, e.g. `rbind`, `ro`, `size=64m`. */
  readonly options?: readonly string[] | undefined;
}

/** A program the runtime calls at a point of the container's life. */
export interface Hook {
  /** Absolute path on the host. */
  readonly path: string;
  /** argv, its name first. */
  readonly args?: readonly string[] | undefined;
  /** `KEY=VALUE`; empty when absent. */
  readonly env?: readonly string[] | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
}

/** What is particular to Linux. */
export interface Linux {
  /** Those not named are shared with the host. */
  readonly namespaces?: readonly Namespace[] | undefined;
  /** User ids of the user namespace. */
  readonly uidMappings?: readonly IdMapping[] | undefined;
  /** Group ids of the user namespace. */
  readonly gidMappings?: readonly IdMapping[] | undefined;
  /** Nodes to create beside the default ones. */
  readonly devices?: readonly Device[] | undefined;
  /** Path of the cgroup below the hierarchy, e.g. `/gantry/<id>`. */
  readonly cgroupsPath?: string | undefined;
  /** Limits of the cgroup. */
  readonly resources?: Resources | undefined;
  /** Propagation of the root mount, e.g. `rslave`. */
  readonly rootfsPropagation?: string | undefined;
  /** System call filter; none when absent. */
  readonly seccomp?: Seccomp | undefined;
  /** Kernel parameters of its namespaces. */
  readonly sysctl?: Readonly<Record<string, string>> | undefined;
  /** Paths hidden from the container. */
  readonly maskedPaths?: readonly string[] | undefined;
  /** Paths made read-only. */
  readonly readonlyPaths?: readonly string[] | undefined;
  /** SELinux context of its mounts. */
  readonly mountLabel?: string | undefined;
}

/** A namespace to create, or to join when it has a path. */
export interface Namespace {
  /** `pid`, `network`, `mount`, `ipc`, `uts`, `user`, `cgroup` or `time`. */
  readonly type: string;
  /** One to join; a new one is made when absent. */
  readonly path?: string | undefined;
}

/** A range of ids mapped into a user namespace. */
export interface IdMapping {
  /** First id in the container. */
  readonly containerID: number;
  /** First id on the host. */
  readonly hostID: number;
  /** How many. */
  readonly size: number;
}

/** A device node to create. */
export interface Device {
  /** Absolute path in the container. */
  readonly path: string;
  /** `c` character, `b` block, `u` unbuffered character, `p` FIFO. */
  readonly type: string;
  /** Major number. */
  readonly major?: number | undefined;
  /** Minor number. */
  readonly minor?: number | undefined;
  /** Permission bits. */
  readonly fileMode?: number | undefined;
  /** Owner in the container. */
  readonly uid?: number | undefined;
  /** Group in the container. */
  readonly gid?: number | undefined;
}

/** A seccomp filter as the runtime takes it. */
export interface Seccomp {
  /** For calls no rule names, e.g. `SCMP_ACT_ERRNO`. */
  readonly defaultAction: string;
  /** errno of the default action; EPERM when absent. */
  readonly defaultErrnoRet?: number | undefined;
  /** E.g. `SCMP_ARCH_X86_64`. */
  readonly architectures?: readonly string[] | undefined;
  /** E.g. `SECCOMP_FILTER_FLAG_LOG`. */
  readonly flags?: readonly string[] | undefined;
  /** Socket that gets notified calls. */
  readonly listenerPath?: string | undefined;
  /** Text sent to it. */
  readonly listenerMetadata?: string | undefined;
  /** The rules. */
  readonly syscalls?: readonly SeccompRule[] | undefined;
}

/** What happens to some system calls. */
export interface SeccompRule {
  /** Names of system calls. */
  readonly names: readonly string[];
  /** E.g. `SCMP_ACT_ALLOW`. */
  readonly action: string;
  /** errno of `SCMP_ACT_ERRNO`. */
  readonly errnoRet?: number | undefined;
  /** All must hold; the rule is unconditional when absent. */
  readonly args?: readonly SeccompArgument[] | undefined;
}

/** A condition on one argument of a system call. */
export interface SeccompArgument {
  /** 0 to 5. */
  readonly index: number;
  /** What the argument is compared with; the mask of `SCMP_CMP_MASKED_EQ`. */
  readonly value: number;
  /** What the masked argument is compared with. */
  readonly valueTwo?: number | undefined;
  /** E.g. `SCMP_CMP_EQ`. */
  readonly op: string;
}
