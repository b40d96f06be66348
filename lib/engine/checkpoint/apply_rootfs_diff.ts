import { readTextIfExists } from "../../base/atomic_file.ts";
import { errnoOf, systemError } from "../../base/errno.ts";
import { GantryError, isCode } from "../../base/errors.ts";
import { entryPath } from "../archive/entry_name.ts";
import { type Descriptor, setTimesOf } from "../archive/file_calls.ts";
import { readTar, type ReceivedEntry } from "../archive/tar_reader.ts";
import { openTree } from "../archive/tree.ts";
import { unpack, type UnpackReport } from "../archive/unpack.ts";
import { readXattrs, writeXattrs } from "../archive/xattrs.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import type { OverlayDirectories } from "./rootfs_diff.ts";

/** Where a saved root filesystem goes. */
export type RootfsTarget =
  /** A new overlay that is not mounted; its upper directory is empty. */
  | ({ readonly kind: "overlay" } & OverlayDirectories)
  /** A directory that becomes the root filesystem itself: existing files are replaced, deleted ones removed. */
  | { readonly kind: "directory"; readonly path: string };

/** Options of {@link applyRootfsDiff} and {@link checkRootfsDiff}. */
export interface ApplyOptions {
  /** Ends the work early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** A list of deleted files this long is none. */
const longestList = 64 << 20;

/**
 * Brings a root filesystem to the state a checkpoint saved. Files that gantry's or podman's archive holds are written with
 * owners, modes, times and attributes; what the container had removed is hidden (overlay) or removed (directory).
 * Nothing outside the target is touched, whatever the archive says. When it fails, what was written stays: the target is
 * then to be thrown away. Does nothing when the checkpoint has no changes.
 */
export async function applyRootfsDiff(
  paths: Pick<CheckpointPaths, "rootfsDiff" | "deletedFiles">,
  target: RootfsTarget,
  options: ApplyOptions = {},
): Promise<UnpackReport> {
  const deleted = await readDeletedFiles(paths.deletedFiles);
  if (target.kind === "overlay") {
    using upper = openTree(target.upper, { resolution: "refuse" });
    const entries = savedEntries(paths.rootfsDiff, options);
    return await unpack(withWhiteouts(entries, deleted), upper, {
      top: true,
      parent: (path, made) => likeLower(target.lowers, path, made),
      ...options,
    });
  }
  using tree = openTree(target.path, { resolution: "refuse" });
  const report = await unpack(savedEntries(paths.rootfsDiff, options), tree, options);
  for (const path of deleted) {
    options.signal?.throwIfAborted();
    try {
      using place = tree.place(path);
      await Deno.remove(place.directory.entry(place.name), { recursive: true });
    } catch (error) {
      if (!isCode(error, "not_found") && errnoOf(error) !== "ENOENT") {
        throw systemError(error, `remove ${target.path}/${path}`);
      }
    }
  }
  return report;
}

/** Reads the whole saved root filesystem without writing anything; fails as {@link applyRootfsDiff} would. */
export async function checkRootfsDiff(
  paths: Pick<CheckpointPaths, "rootfsDiff" | "deletedFiles">,
  options: ApplyOptions = {},
): Promise<void> {
  await readDeletedFiles(paths.deletedFiles);
  for await (const entry of savedEntries(paths.rootfsDiff, options)) {
    if (entry.type === "link") entryPath(entry.linkname);
    for await (const _ of entry.body) options.signal?.throwIfAborted();
  }
}

/** Paths below the root, checked like those of an archive. */
async function readDeletedFiles(path: string): Promise<readonly string[]> {
  const info = await Deno.lstat(path).catch(() => undefined);
  if (info === undefined) return [];
  if (info.size > longestList) throw malformed("it is too long");
  let list: unknown;
  try {
    list = JSON.parse(await readTextIfExists(path) ?? "null");
  } catch (error) {
    throw malformed("it is not JSON", error);
  }
  if (!Array.isArray(list)) throw malformed("it is no list");
  return list.map((item: unknown) => {
    if (typeof item !== "string") throw malformed("it is no list of paths");
    const relative = entryPath(item.replace(/^\/+/, ""));
    if (relative === "") throw malformed("it names the root itself");
    return relative;
  });
}

async function* savedEntries(path: string, options: ApplyOptions): AsyncGenerator<ReceivedEntry> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw systemError(error, `open ${path}`);
  }
  // The stream closes the file.
  yield* readTar(file.readable, { unique: true, ...options });
}

/** An overlay hides a name below with a 0:0 character device of that name. */
async function* withWhiteouts(
  entries: AsyncIterable<ReceivedEntry>,
  deleted: readonly string[],
): AsyncGenerator<ReceivedEntry> {
  yield* entries;
  for (const path of deleted) {
    yield {
      name: path,
      path,
      type: "character-device",
      size: 0,
      mode: 0,
      uid: 0,
      gid: 0,
      mtimeMs: 0,
      linkname: "",
      device: { major: 0, minor: 0 },
      xattrs: new Map(),
      body: new ReadableStream({ start: (controller) => controller.close() }),
    };
  }
}

/** A directory of the upper layer stands for the one below: it must look like it. */
async function likeLower(lowers: readonly string[], path: string, made: Descriptor): Promise<void> {
  for (const lower of lowers) {
    try {
      using tree = openTree(lower, { resolution: "refuse" });
      using directory = tree.directory(path);
      const info = await Deno.stat(directory.path);
      await Deno.chown(made.path, info.uid, info.gid);
      await Deno.chmod(made.path, (info.mode ?? 0o755) & 0o7777);
      writeXattrs(made, readXattrs(directory));
      setTimesOf(made, info.mtime?.getTime() ?? 0);
      return;
    } catch (error) {
      // Not in this layer, or no directory there.
      if (!isCode(error, "not_found") && !isCode(error, "failed_precondition")) throw error;
    }
  }
}

function malformed(why: string, cause?: unknown): GantryError {
  return new GantryError("data_loss", `the list of deleted files is malformed: ${why}`, { cause });
}
