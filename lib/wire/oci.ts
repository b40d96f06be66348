/**
 * The parts of the OCI runtime specification (config.json, version 1.0.2 to 1.2) that gantry writes or reads.
 * Fields gantry does not know are kept as they are when a spec comes from a file.
 */

/** A whole config.json. */
export interface Spec {
  /** Semantic version of the specification. */
  readonly ociVersion: string;
  readonly process?: Process | undefined;
  readonly root?: Root | undefined;
  /** Host name in the container's own UTS namespace. */
  readonly hostname?: string | undefined;
  readonly domainname?: string | undefined;
  /** In the order in which they are mounted. */
  readonly mounts?: readonly Mount[] | undefined;
  readonly hooks?: Readonly<Record<string, readonly Hook[]>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly linux?: Linux | undefined;
}

/** The first process of a container, or one that is exec'ed in it. */
export interface Process {
  readonly terminal?: boolean | undefined;
  /** Size of the terminal in characters, set before the process runs. */
  readonly consoleSize?: ConsoleSize | undefined;
  readonly user: User;
  /** argv; empty only in a spec that somebody else completes. */
  readonly args: readonly string[];
  /** `KEY=VALUE`. */
  readonly env?: readonly string[] | undefined;
  /** Absolute path in the container. */
  readonly cwd: string;
  readonly capabilities?: Capabilities | undefined;
  readonly rlimits?: readonly Rlimit[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  readonly apparmorProfile?: string | undefined;
  readonly oomScoreAdj?: number | undefined;
  readonly selinuxLabel?: string | undefined;
}

/** Size of a terminal in characters. */
export interface ConsoleSize {
  readonly height: number;
  readonly width: number;
}

/** Numeric identity of a process. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number | undefined;
  readonly additionalGids?: readonly number[] | undefined;
}

/** Names such as `CAP_CHOWN` in each of the five sets. */
export interface Capabilities {
  readonly bounding?: readonly string[] | undefined;
  readonly effective?: readonly string[] | undefined;
  readonly inheritable?: readonly string[] | undefined;
  readonly permitted?: readonly string[] | undefined;
  readonly ambient?: readonly string[] | undefined;
}

/** A limit such as `RLIMIT_NOFILE`. */
export interface Rlimit {
  readonly type: string;
  readonly hard: number;
  readonly soft: number;
}

/** The root filesystem. */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean | undefined;
}

/** One mount inside the container. */
export interface Mount {
  readonly destination: string;
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly options?: readonly string[] | undefined;
}

/** A program the runtime calls at a point of the container's life. */
export interface Hook {
  readonly path: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
}

/** What is particular to Linux. */
export interface Linux {
  readonly namespaces?: readonly Namespace[] | undefined;
  readonly uidMappings?: readonly IdMapping[] | undefined;
  readonly gidMappings?: readonly IdMapping[] | undefined;
  readonly devices?: readonly Device[] | undefined;
  readonly cgroupsPath?: string | undefined;
  readonly resources?: Resources | undefined;
  readonly rootfsPropagation?: string | undefined;
  readonly seccomp?: Seccomp | undefined;
  readonly sysctl?: Readonly<Record<string, string>> | undefined;
  readonly maskedPaths?: readonly string[] | undefined;
  readonly readonlyPaths?: readonly string[] | undefined;
  readonly mountLabel?: string | undefined;
}

/** A namespace to create, or to join when it has a path. */
export interface Namespace {
  readonly type: string;
  readonly path?: string | undefined;
}

/** A range of ids mapped into a user namespace. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** A device node to create. */
export interface Device {
  readonly path: string;
  /** `c` character, `b` block, `u` unbuffered character, `p` FIFO. */
  readonly type: string;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  readonly fileMode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Limits and device rules of the cgroup. */
export interface Resources {
  readonly devices?: readonly DeviceRule[] | undefined;
  readonly memory?: Memory | undefined;
  readonly cpu?: Cpu | undefined;
  readonly pids?: Pids | undefined;
}

/** A rule of the device cgroup; without a type it is about every device. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string | undefined;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** Of the letters r, w and m. */
  readonly access?: string | undefined;
}

/** Memory limits, in bytes. */
export interface Memory {
  readonly limit?: number | undefined;
  readonly reservation?: number | undefined;
  /** Memory and swap together, also on cgroup v2. */
  readonly swap?: number | undefined;
  readonly swappiness?: number | undefined;
  readonly disableOOMKiller?: boolean | undefined;
}

/** CPU limits; quota and period in microseconds. */
export interface Cpu {
  readonly shares?: number | undefined;
  readonly quota?: number | undefined;
  readonly period?: number | undefined;
  readonly cpus?: string | undefined;
  readonly mems?: string | undefined;
}

/** The limit of processes and threads. */
export interface Pids {
  readonly limit: number;
}

/** A seccomp filter as the runtime takes it. */
export interface Seccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly flags?: readonly string[] | undefined;
  readonly listenerPath?: string | undefined;
  readonly listenerMetadata?: string | undefined;
  readonly syscalls?: readonly SeccompRule[] | undefined;
}

/** What happens to some system calls. */
export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  readonly args?: readonly SeccompArgument[] | undefined;
}

/** A condition on one argument of a system call. */
export interface SeccompArgument {
  /** 0 to 5. */
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number | undefined;
  readonly op: string;
}

/**
 * A spec, or a part of it, as the JSON that runtimes read. Go's decoders refuse an integer that overflows its field, and
 * a double cannot hold 2^63 - 1 or 2^64 - 1 ("no limit"): both were rounded up when they were parsed and are put back.
 */
export function encodeOci(value: object): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== "number" || Number.isSafeInteger(item) || !Number.isInteger(item)) return item;
    return Math.abs(item) > 2 ** 64 ? item : jsonWithRaw.rawJSON(exactInteger(item).toString());
  });
}

function exactInteger(value: number): bigint {
  const integer = BigInt(value);
  return value === 2 ** 64 || value === 2 ** 63 ? integer - 1n : integer;
}

// TypeScript's library does not declare it yet; V8 has it since 11.4.
const jsonWithRaw = JSON as typeof JSON & { rawJSON(text: string): unknown };
