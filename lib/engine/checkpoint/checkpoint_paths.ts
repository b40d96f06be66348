import { type CheckpointRef } from "./checkpoint_name.ts";

/** Where the things of one checkpoint are. */
export interface CheckpointPaths {
  /** The checkpoint's own directory. */
  readonly directory: string;
  /** CRIU's images: the `image_path` of containerd's CheckpointOptions, and `checkpoint` of Tasks/Create. */
  readonly images: string;
  /** CRIU's work directory: dump.log, stats-dump. */
  readonly work: string;
  /** Holds a directory for each restore that is under way or failed, with CRIU's log in it. */
  readonly restores: string;
  /** Metadata; what has it is complete. */
  readonly record: string;
  /** Metadata from before the dump, for one whose maker dies over it. */
  readonly pending: string;
  /** Changes of the root filesystem, a tar; absent when they were not saved. */
  readonly rootfsDiff: string;
  /** What the container removed from its root filesystem: a JSON array of absolute paths; absent when nothing. */
  readonly deletedFiles: string;
  /** State of the networks, JSON; absent when there is none. */
  readonly networkStatus: string;
}

/** Directory that holds the checkpoints of every namespace, inside gantry's `--root`. */
export function checkpointsDirectory(root: string): string {
  return `${root}/checkpoints`;
}

/** Paths of a checkpoint whose ref has been checked. */
export function checkpointPaths(root: string, ref: CheckpointRef): CheckpointPaths {
  return pathsIn(`${checkpointsDirectory(root)}/${ref.namespace}/${ref.container}/${ref.name}`);
}

/** The same for a checkpoint at any place, e.g. a directory the user named. */
export function pathsIn(directory: string): CheckpointPaths {
  return {
    directory,
    images: `${directory}/images`,
    work: `${directory}/work`,
    restores: `${directory}/restores`,
    record: `${directory}/checkpoint.json`,
    pending: `${directory}/pending.json`,
    rootfsDiff: `${directory}/rootfs-diff.tar`,
    deletedFiles: `${directory}/deleted.files`,
    networkStatus: `${directory}/network.status`,
  };
}
