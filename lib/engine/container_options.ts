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
  /** Memory limit in bytes. */
  readonly memory?: number | undefined;
  /** CPUs, e.g. 1.5. */
  readonly cpus?: number | undefined;
  /** Limit of processes and threads; 0 or -1 for none. */
  readonly pidsLimit?: number | undefined;
  /** Capabilities to add: `NET_ADMIN`, `CAP_NET_ADMIN` or `ALL`, any case. */
  readonly capAdd: readonly string[];
  /** Capabilities to drop, likewise. */
  readonly capDrop: readonly string[];
  /** All capabilities and devices, no seccomp, nothing masked. */
  readonly privileged: boolean;
  /** `seccomp=FILE|unconfined`, `apparmor=PROFILE`, `no-new-privileges`. */
  readonly securityOpt: readonly string[];
  /** Annotations in the OCI spec, which the runtime and its hooks read. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Labels of the container. */
  readonly labels: Readonly<Record<string, string>>;
  /** Signal of a polite stop; default TERM. */
  readonly stopSignal?: string | undefined;
  /** Seconds between the polite stop and KILL; default 10. */
  readonly stopTimeout?: number | undefined;
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
