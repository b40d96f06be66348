import { GantryError } from "../../base/errors.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";

/**
 * What a checkpoint archive contains, by podman's names (checkpointctl lib/metadata.go), so that podman, CRI-O's tools and
 * checkpointctl can read ours and we theirs.
 */
export const layout = {
  /** CRIU's images. */
  images: "checkpoint",
  /** JSON about the container. */
  config: "config.dump",
  /** The OCI spec. */
  spec: "spec.dump",
  /** Tar of the changes to the root filesystem. */
  rootfsDiff: "rootfs-diff.tar",
  /** JSON array of absolute paths removed from it. */
  deletedFiles: "deleted.files",
  /** JSON about its networks. */
  networkStatus: "network.status",
  /** CRIU's statistics. */
  stats: "stats-dump",
  /** CRIU's log. */
  log: "dump.log",
} as const;

/** CRIU cannot restore without it; a dump that fails does not get as far as writing it. */
export const inventory = "inventory.img";

/** A path in the archive as one in a checkpoint's directory; undefined for what gantry has no use for. */
export function placeOf(path: string): string | undefined {
  const slash = path.indexOf("/");
  const top = slash < 0 ? path : path.slice(0, slash);
  if (top === layout.images) return `images${path.slice(top.length)}`;
  if (slash >= 0) return undefined;
  if (top === layout.stats || top === layout.log) return `work/${top}`;
  return topFiles.some((name) => name === top) ? top : undefined;
}

/** Files that have the same name in the archive and in the directory. */
const topFiles = [layout.config, layout.spec, layout.rootfsDiff, layout.deletedFiles, layout.networkStatus] as const;

/** What is exported, in the order of the archive: name in it, and path on disk. */
export function partsOf(paths: CheckpointPaths): readonly (readonly [name: string, path: string])[] {
  return [
    [layout.stats, `${paths.work}/stats-dump`],
    [layout.log, `${paths.work}/dump.log`],
    [layout.networkStatus, paths.networkStatus],
    [layout.deletedFiles, paths.deletedFiles],
    [layout.rootfsDiff, paths.rootfsDiff],
    [layout.images, paths.images],
  ];
}

/** An `invalid_argument` for a file that is a good archive of something else. */
export function noCheckpoint(why: string): GantryError {
  return new GantryError("invalid_argument", `this is no checkpoint archive: ${why}`, {
    hint: "it must be one that `gantry checkpoint --export` or `podman container checkpoint --export` wrote",
  });
}
