import { writeFileAtomic } from "../../base/atomic_file.ts";
import { GantryError } from "../../base/errors.ts";
import { openDirectory, openFile, openTree, type Place, statPlace, type Tree } from "../archive/tree.ts";
import { pack, type PackReport } from "../archive/pack.ts";
import { rawNames } from "../archive/file_calls.ts";
import { writeTar } from "../archive/tar_writer.ts";
import { readXattr } from "../archive/xattrs.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import { removeTree } from "./directories.ts";
import { writeStream } from "./write_stream.ts";

/** The directories of an overlay on the host. */
export interface OverlayDirectories {
  /** What the container changed. */
  readonly upper: string;
  /** Top first. */
  readonly lowers: readonly string[];
}

/** What was saved of a root filesystem. */
export interface RootfsDiff extends PackReport {
  /** Absolute paths the container removed. */
  readonly deleted: readonly string[];
}

/** Options of {@link saveRootfsDiff} and {@link saveDirectory}. */
export interface SaveOptions {
  /** Ends the saving early by rejecting; nothing is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Saves what a container changed in its overlay to `rootfs-diff.tar` and `deleted.files` of a checkpoint, as podman lays
 * them out. The container must stand still (paused or ended) or files may be caught half-written. On failure neither file
 * is there. `failed_precondition` for an overlay with `redirect_dir` or `metacopy`, whose upper directory is no whole.
 */
export async function saveRootfsDiff(
  overlay: OverlayDirectories,
  paths: Pick<CheckpointPaths, "rootfsDiff" | "deletedFiles">,
  options: SaveOptions = {},
): Promise<RootfsDiff> {
  using upper = openTree(overlay.upper, { resolution: "refuse" });
  const changes = new OverlayChanges(upper, overlay);
  let report: PackReport | undefined;
  try {
    const tar = writeTar(async (writer) => {
      using top = upper.place("/");
      await changes.filter("", top);
      report = await pack(writer, top, {
        as: ".",
        filter: (path, info, place) => changes.filter(path, place, info),
        signal: options.signal,
      });
    }, options);
    await writeStream(tar, paths.rootfsDiff, options);
    const deleted = [...changes.deleted].sort();
    if (deleted.length > 0) await writeFileAtomic(paths.deletedFiles, `${JSON.stringify(deleted)}\n`);
    return { ...report ?? { entries: 0, bytes: 0, skipped: [] }, deleted };
  } catch (error) {
    await removeTree(paths.rootfsDiff).catch(() => {});
    throw error;
  }
}

/** Saves a whole directory that is a root filesystem, for one without an overlay; it can be large. */
export async function saveDirectory(
  directory: string,
  paths: Pick<CheckpointPaths, "rootfsDiff">,
  options: SaveOptions = {},
): Promise<RootfsDiff> {
  using tree = openTree(directory, { resolution: "refuse" });
  let report: PackReport = { entries: 0, bytes: 0, skipped: [] };
  const tar = writeTar(async (writer) => {
    using top = tree.place("/");
    report = await pack(writer, top, { as: ".", signal: options.signal });
  }, options);
  await writeStream(tar, paths.rootfsDiff, options);
  return { ...report, deleted: [] };
}

/** Reads an overlay's marks: 0:0 character devices hide one name below, opaque directories hide all. */
class OverlayChanges {
  readonly deleted = new Set<string>();
  readonly #upper: Tree;
  readonly #overlay: OverlayDirectories;

  constructor(upper: Tree, overlay: OverlayDirectories) {
    this.#upper = upper;
    this.#overlay = overlay;
  }

  /** False for what is a mark and no file; notes what it hides. */
  async filter(path: string, place: Place, info?: Deno.FileInfo): Promise<boolean> {
    if (info?.isCharDevice && info.rdev === 0) {
      this.deleted.add(`/${path}`);
      return false;
    }
    if (info !== undefined && !info.isDirectory && !info.isFile) return true;
    using open = openPlaceOf(place, info);
    for (const mark of ["redirect", "metacopy"]) {
      if (readXattr(open, `trusted.overlay.${mark}`) === undefined) continue;
      throw new GantryError(
        "failed_precondition",
        `/${path} of the container is kept by the overlay's ${mark} feature`,
        {
          hint: "mount the overlay with redirect_dir=off,metacopy=off; this container's changes cannot be saved",
        },
      );
    }
    const opaque = readXattr(open, "trusted.overlay.opaque");
    // "y". An "x" marks directories with another kind of whiteouts, made for overlays inside overlays.
    if (opaque?.[0] === 0x79) await this.#hideBelow(path);
    return true;
  }

  /** Notes what the lower layers have in a directory and the upper has not. */
  async #hideBelow(path: string): Promise<void> {
    for (const lower of this.#overlay.lowers) {
      using tree = openTree(lower, { resolution: "refuse" });
      for (const name of childrenOf(tree, path)) {
        const child = path === "" ? name : `${path}/${name}`;
        using below = tree.place(child);
        using above = this.#upper.place(child);
        const [hidden, shown] = await Promise.all([statPlace(below), statPlace(above)]);
        if (shown === undefined) this.deleted.add(`/${child}`);
        else if (shown.isDirectory && hidden?.isDirectory) await this.#hideBelow(child);
      }
    }
  }
}

function openPlaceOf(place: Place, info: Deno.FileInfo | undefined): ReturnType<typeof openDirectory> {
  return info === undefined || info.isDirectory ? openDirectory(place) : openFile(place);
}

function childrenOf(tree: Tree, path: string): readonly string[] {
  try {
    using place = tree.place(path === "" ? "/" : path);
    using directory = openDirectory(place);
    return rawNames(directory).map((name) => new TextDecoder().decode(name));
  } catch (error) {
    // Not there, or something else than a directory: it hides nothing.
    if (error instanceof GantryError && ["not_found", "failed_precondition"].includes(error.code)) return [];
    throw error;
  }
}
