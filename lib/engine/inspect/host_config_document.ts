/** `HostConfig` of docker's inspect: how the container is tied to its host. Sizes in bytes, times in microseconds. */
export interface HostConfig {
  /** `SOURCE:DESTINATION[:OPTIONS]`. */
  readonly Binds: readonly string[] | null;
  /** Whether its output goes to files. */
  readonly LogConfig: { readonly Type: "file" | "none"; readonly Config: Readonly<Record<string, never>> };
  /** `none`, `host`, or `ns:PATH` for a namespace that was joined. */
  readonly NetworkMode: string;
  /** Always empty. */
  readonly PortBindings: Readonly<Record<string, never>>;
  /** Always `no`. */
  readonly RestartPolicy: { readonly Name: "no"; readonly MaximumRetryCount: number };
  /** It goes away when it has ended. */
  readonly AutoRemove: boolean;
  /** Always null. */
  readonly VolumesFrom: null;
  /** Rows and columns. */
  readonly ConsoleSize: readonly [height: number, width: number];
  /** Annotations of the OCI spec; undefined for none. */
  readonly Annotations?: Readonly<Record<string, string>> | undefined;
  /** Beyond docker's default set. */
  readonly CapAdd: readonly string[] | null;
  /** Of docker's default set. */
  readonly CapDrop: readonly string[] | null;
  /** `private` or `host`. */
  readonly CgroupnsMode: string;
  /** `private` or `host`. */
  readonly IpcMode: string;
  /** -1000 (spared) to 1000 (first). */
  readonly OomScoreAdj: number;
  /** Empty for its own, `host`, or `ns:PATH`. */
  readonly PidMode: string;
  /** All capabilities and devices, nothing masked. */
  readonly Privileged: boolean;
  /** Always false. */
  readonly PublishAllPorts: boolean;
  /** The root filesystem is read-only. */
  readonly ReadonlyRootfs: boolean;
  /** As given with --security-opt, as far as the spec tells. */
  readonly SecurityOpt: readonly string[] | null;
  /** Options by path. */
  readonly Tmpfs?: Readonly<Record<string, string>> | undefined;
  /** Empty for its own, `host`, or `ns:PATH`. */
  readonly UTSMode: string;
  /** `private` for a user namespace of its own; else empty. */
  readonly UsernsMode: string;
  /** Size of /dev/shm; 0 when it has none of its own. */
  readonly ShmSize: number;
  /** All that are set, docker's defaults included. */
  readonly Sysctls: Readonly<Record<string, string>>;
  /** containerd's name of the runtime. */
  readonly Runtime: string;
  /** 0 for the default. */
  readonly CpuShares: number;
  /** 0 for none, as for the limits below. */
  readonly Memory: number;
  /** Billionths of a CPU. */
  readonly NanoCpus: number;
  /** Path of the cgroup that its own is in. */
  readonly CgroupParent: string;
  /** 0 for the default. */
  readonly BlkioWeight: number;
  /** Period of the quota. */
  readonly CpuPeriod: number;
  /** 0 for none. */
  readonly CpuQuota: number;
  /** Empty for all. */
  readonly CpusetCpus: string;
  /** Empty for all. */
  readonly CpusetMems: string;
  /** Devices of the host it was given. */
  readonly Devices: readonly DeviceMapping[];
  /** Soft limit. */
  readonly MemoryReservation: number;
  /** Memory and swap together; -1 for no limit. */
  readonly MemorySwap: number;
  /** Null for the default. */
  readonly MemorySwappiness: number | null;
  /** Always false. */
  readonly OomKillDisable: boolean;
  /** Null for none. */
  readonly PidsLimit: number | null;
  /** Limits of each process. */
  readonly Ulimits: readonly Ulimit[];
  /** Paths it cannot see. */
  readonly MaskedPaths: readonly string[] | null;
  /** Paths it cannot write. */
  readonly ReadonlyPaths: readonly string[] | null;
  /** Runs a small init as process 1. */
  readonly Init?: boolean | undefined;
}

/** A device of the host in the container. */
export interface DeviceMapping {
  /** The same as in the container: the spec has only the device's number. */
  readonly PathOnHost: string;
  /** Absolute path. */
  readonly PathInContainer: string;
  /** Of the letters r, w and m. */
  readonly CgroupPermissions: string;
}

/** A limit of each process; -1 for none. */
export interface Ulimit {
  /** E.g. `nofile`. */
  readonly Name: string;
  /** How far the process may raise it. */
  readonly Hard: number;
  /** The limit that counts. */
  readonly Soft: number;
}
