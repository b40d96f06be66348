/** Where the things of one gantry instance and of one container in it are. */

/** The two directories that name an instance. Absolute paths. */
export interface InstancePaths {
  /** What survives a reboot, e.g. `/var/lib/gantry`. */
  readonly root: string;
  /** What does not, e.g. `/run/gantry`. */
  readonly state: string;
}

/** Directories and files of one container. */
export interface ContainerPaths {
  /** What lasts: logs, the throw-away overlay. */
  readonly data: string;
  /**
   * What containerd was told, for those who must not spend an RPC on it: a checkpoint takes its labels from here. JSON
   * with the fields `runtime` and `labels`, written before the container is made.
   */
  readonly recordFile: string;
  /** FIFOs while it is attached. */
  readonly run: string;
  /** stdout of a detached container. */
  readonly stdoutLog: string;
  /** stderr of a detached container. */
  readonly stderrLog: string;
  /** Upper directory of the overlay. */
  readonly overlayUpper: string;
  /** Work directory of the overlay. */
  readonly overlayWork: string;
}

/** Paths of a container. `namespace` and `id` must have been checked (`wire/identifier.ts`): they become path segments. */
export function containerPaths(instance: InstancePaths, namespace: string, id: string): ContainerPaths {
  const data = `${instance.root}/containers/${namespace}/${id}`;
  return {
    data,
    recordFile: `${data}/container.json`,
    run: `${instance.state}/containers/${namespace}/${id}`,
    stdoutLog: `${data}/stdout.log`,
    stderrLog: `${data}/stderr.log`,
    overlayUpper: `${data}/overlay/upper`,
    overlayWork: `${data}/overlay/work`,
  };
}

/** Directory in which each name of a namespace is a file that holds the container's id. */
export function namesDirectory(instance: InstancePaths, namespace: string): string {
  return `${instance.root}/names/${namespace}`;
}

/** Directory in which each container that is being made or removed has a file; see `unfinished.ts`. */
export function unfinishedDirectory(instance: InstancePaths, namespace: string): string {
  return `${instance.root}/unfinished/${namespace}`;
}
