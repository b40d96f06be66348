/** What a user asks for when a container is made: plain data, as the flags of `gantry run` give it. */
export interface ContainerOptions {
  /** Name; undefined for none given (one is derived from the id). */
  readonly name?: string | undefined;
  /** The root filesystem; absolute path. */
  readonly rootfs: RootfsOption;
  /** Entry point given with `--entrypoint`; it goes before {@link command}. */
  readonly entrypoint?: string | undefined;
  /** argv; may be empty only when a spec file is given. */
  readonly command: readonly string[];
  /** `KEY=VALUE` in order; a later one wins. */
  readonly env: readonly string[];
  /** Working directory inside the container; default `/`. */
  readonly cwd?: string | undefined;
  /** `user[:group]`, names or numbers; default root. */
  readonly user?: string | undefined;
  /** Host name; default the first 12 characters of the id. */
  readonly hostname?: string | undefined;
  /** Gives the process a terminal. */
  readonly tty: boolean;
  /** Keeps stdin open. */
  readonly stdin: boolean;
  /** Size of the terminal before the first byte is read. */
  readonly consoleSize?: { readonly width: number; readonly height: number } | undefined;
  /** Bind mounts and tmpfs, in the order given. */
  readonly mounts: readonly MountOption[];
  /** Mounts the root filesystem read-only. */
  readonly readOnly: boolean;
  /** `none` (own empty network namespace, default) or `host`. */
  readonly network: "none" | "host";
  /** Name servers, IP addresses; any of the three dns options gives the container a resolv.conf of its own. */
  readonly dns?: readonly string[] | undefined;
  /** Domains that short names are looked up in; `.` alone for none. */
  readonly dnsSearch?: readonly string[] | undefined;
  /** Options of the resolver, e.g. `ndots:2`. */
  readonly dnsOption?: readonly string[] | undefined;
  /** Lines for /etc/hosts; any gives the container an /etc/hosts and an /etc/hostname of its own. */
  readonly addHost?: readonly HostEntry[] | undefined;
  /** Process ids: its own (default), or the host's. */
  readonly pid?: "private" | "host" | undefined;
  /** Shared memory, semaphores and message queues: its own (default), or the host's with the host's /dev/shm. */
  readonly ipc?: "private" | "host" | undefined;
  /** Host and domain name: its own (default), or the host's. */
  readonly uts?: "private" | "host" | undefined;
  /** View of the control groups; default private on cgroup v2 and host on v1, as in docker. */
  readonly cgroupns?: "private" | "host" | undefined;
  /** Memory limit in bytes. */
  readonly memory?: number | undefined;
  /** Memory and swap together, in bytes; -1 for no limit of swap. Default (and 0): twice the memory. */
  readonly memorySwap?: number | undefined;
  /** Soft limit in bytes: what it is pushed back to (v1) or left with (v2) when memory is short. */
  readonly memoryReservation?: number | undefined;
  /** CPUs, e.g. 1.5. */
  readonly cpus?: number | undefined;
  /** Weight against other containers when CPUs are busy, 2 to 262144; default (and 0): the kernel's 1024. */
  readonly cpuShares?: number | undefined;
  /** CPUs it may run on, e.g. `0-2,7`; default all. */
  readonly cpusetCpus?: string | undefined;
  /** Memory nodes it may use, e.g. `0,1`; default all. */
  readonly cpusetMems?: string | undefined;
  /** Limit of processes and threads; 0 or -1 for none. */
  readonly pidsLimit?: number | undefined;
  /** Weight against others when disks are busy, 10 to 1000; default (and 0): the kernel's. */
  readonly blkioWeight?: number | undefined;
  /** Path of the cgroup that the container's is made in, e.g. `/batch`; a slice with the systemd driver. */
  readonly cgroupParent?: string | undefined;
  /** Limits of each process (setrlimit(2)); the runtime's own where nothing is said. */
  readonly ulimits?: readonly UlimitOption[] | undefined;
  /** Size of /dev/shm in bytes; default 64 MiB. */
  readonly shmSize?: number | undefined;
  /** Kernel parameters of the container's own namespaces, e.g. `net.core.somaxconn`. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  /** Score for the OOM killer, -1000 (spared) to 1000 (first); default 0. */
  readonly oomScoreAdj?: number | undefined;
  /** Devices of the host, or directories of them. */
  readonly devices?: readonly DeviceOption[] | undefined;
  /** Groups the process is in beside the user's; names from the root filesystem, or numbers. */
  readonly groupAdd?: readonly string[] | undefined;
  /** Runs a small init as process 1 that passes signals on and reaps; a path for one of the user's own. Default false. */
  readonly init?: boolean | string | undefined;
  /** Capabilities to add: `NET_ADMIN`, `CAP_NET_ADMIN` or `ALL`, any case. */
  readonly capAdd: readonly string[];
  /** Capabilities to drop, likewise. */
  readonly capDrop: readonly string[];
  /** All capabilities and devices, no seccomp, nothing masked. */
  readonly privileged: boolean;
  /** `seccomp=FILE|unconfined`, `apparmor=PROFILE`, `no-new-privileges`, `systempaths=unconfined`, `label=disable`. */
  readonly securityOpt: readonly string[];
  /** Annotations in the OCI spec, which the runtime and its hooks read. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Labels of the container. */
  readonly labels: Readonly<Record<string, string>>;
  /** Signal of a polite stop; default TERM. */
  readonly stopSignal?: string | undefined;
  /** Absolute path of the OCI runtime's program; default `runc` in the PATH of whoever runs shims. */
  readonly ociRuntime?: string | undefined;
  /** Seconds between the polite stop and KILL; default 10. */
  readonly stopTimeout?: number | undefined;
  /** Milliseconds it may run before it is killed; default (and 0): no limit. */
  readonly timeoutMs?: number | undefined;
  /** What becomes of its output while nobody attends to it: kept in files (default), or lost. */
  readonly log?: "file" | "none" | undefined;
  /** Path of an OCI config.json that replaces the generated spec (process.args still replaced by a given command). */
  readonly specFile?: string | undefined;
}

/** A directory used as root filesystem. */
export interface RootfsOption {
  /** Absolute path of an existing directory. */
  readonly path: string;
  /** Puts a throw-away overlay over it (`--rootfs DIR:O`). */
  readonly overlay: boolean;
}

/** One mount asked for with -v, --mount or --tmpfs. */
export interface MountOption {
  /** `bind` a path of the host, or an empty `tmpfs`. */
  readonly type: "bind" | "tmpfs";
  /** Absolute host path; undefined for tmpfs. */
  readonly source?: string | undefined;
  /** Absolute path in the container. */
  readonly target: string;
  /** Mount options, e.g. `ro`, `rprivate`, `size=64m`. */
  readonly options: readonly string[];
}

/** A name in /etc/hosts. */
export interface HostEntry {
  /** Host name. */
  readonly name: string;
  /** IP address, or `host-gateway` for the host itself. */
  readonly address: string;
}

/** A limit of each process. */
export interface UlimitOption {
  /** Name without `RLIMIT_`, e.g. `nofile`. */
  readonly name: string;
  /** The limit that counts; -1 for none. */
  readonly soft: number;
  /** How far the process may raise it; -1 for no end. */
  readonly hard: number;
}

/** A device of the host in the container. */
export interface DeviceOption {
  /** Absolute path on the host of a device node, or of a directory of them. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly target: string;
  /** What the container may do with it: of the letters r, w and m (mknod). */
  readonly access: string;
}
