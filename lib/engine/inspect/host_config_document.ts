/** `HostConfig` of docker's inspect: how the container is tied to its host. Sizes in bytes, times in microseconds. */
export interface HostConfig {
  /** `SOURCE:DESTINATION[:OPTIONS]`. */
  readonly Binds: readonly string[] | null;
  readonly LogConfig: { readonly Type: "file" | "none"; readonly Config: Readonly<Record<string, never>> };
  /** `none`, `host`, or `ns:PATH` for a namespace that was joined. */
  readonly NetworkMode: string;
  readonly PortBindings: Readonly<Record<string, never>>;
  readonly RestartPolicy: { readonly Name: "no"; readonly MaximumRetryCount: number };
  readonly AutoRemove: boolean;
  readonly VolumesFrom: null;
  /** Rows and columns. */
  readonly ConsoleSize: readonly [height: number, width: number];
  readonly Annotations?: Readonly<Record<string, string>> | undefined;
  /** Beyond docker's default set. */
  readonly CapAdd: readonly string[] | null;
  /** Of docker's default set. */
  readonly CapDrop: readonly string[] | null;
  readonly CgroupnsMode: string;
  /** `private` or `host`. */
  readonly IpcMode: string;
  readonly OomScoreAdj: number;
  /** Empty for its own, `host`, or `ns:PATH`. */
  readonly PidMode: string;
  readonly Privileged: boolean;
  readonly PublishAllPorts: boolean;
  readonly ReadonlyRootfs: boolean;
  readonly SecurityOpt: readonly string[] | null;
  /** Options by path. */
  readonly Tmpfs?: Readonly<Record<string, string>> | undefined;
  readonly UTSMode: string;
  readonly UsernsMode: string;
  readonly ShmSize: number;
  /** All that are set, docker's defaults included. */
  readonly Sysctls: Readonly<Record<string, string>>;
  readonly Runtime: string;
  readonly CpuShares: number;
  /** 0 for none, as for the limits below. */
  readonly Memory: number;
  /** Billionths of a CPU. */
  readonly NanoCpus: number;
  readonly CgroupParent: string;
  readonly BlkioWeight: number;
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
  readonly Devices: readonly DeviceMapping[];
  readonly MemoryReservation: number;
  /** Memory and swap together; -1 for no limit. */
  readonly MemorySwap: number;
  readonly MemorySwappiness: number | null;
  readonly OomKillDisable: boolean;
  /** Null for none. */
  readonly PidsLimit: number | null;
  readonly Ulimits: readonly Ulimit[];
  readonly MaskedPaths: readonly string[] | null;
  readonly ReadonlyPaths: readonly string[] | null;
  /** Runs a small init as process 1. */
  readonly Init?: boolean | undefined;
}

/** A device of the host in the container. */
export interface DeviceMapping {
  /** The same as in the container: the spec has only the device's number. */
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  /** Of the letters r, w and m. */
  readonly CgroupPermissions: string;
}

/** A limit of each process; -1 for none. */
export interface Ulimit {
  readonly Name: string;
  readonly Hard: number;
  readonly Soft: number;
}
