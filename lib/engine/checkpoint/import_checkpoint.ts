import { systemError } from "../../base/errno.ts";
import { isRecord, type JsonRecord, recordField, stringField } from "../../base/json.ts";
import { newId } from "../../wire/identifier.ts";
import type { Spec } from "../../wire/oci.ts";
import { uncompress } from "../archive/compression.ts";
import { refusedEntry } from "../archive/entry_name.ts";
import { readTar, type ReceivedEntry } from "../archive/tar_reader.ts";
import { openTree } from "../archive/tree.ts";
import { unpack } from "../archive/unpack.ts";
import { isDeeperThan, withoutNulls } from "../spec/shape.ts";
import { isSpec, specShape } from "../spec/spec_shape.ts";
import { checkRootfsDiff } from "./apply_rootfs_diff.ts";
import { inventory, layout, noCheckpoint, placeOf } from "./archive_layout.ts";
import type { CheckpointRef } from "./checkpoint_name.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import { type CheckpointRecord, recordOf } from "./checkpoint_record.ts";
import type { CheckpointStore } from "./checkpoint_store.ts";
import { readCriuStats } from "./criu_stats.ts";
import { exists, makeDirectory, syncDirectory } from "./directories.ts";

/** Where an import goes. */
export interface ImportTarget {
  /** The store it goes into. */
  readonly store: CheckpointStore;
  /** The container may not exist yet: it is the one that will be restored. */
  readonly ref: CheckpointRef;
}

/** Options of {@link importCheckpoint}. */
export interface ImportOptions {
  /** Ends the import early by rejecting; nothing is left. */
  readonly signal?: AbortSignal | undefined;
}

/** An imported checkpoint. */
export interface ImportedCheckpoint {
  /** As it was where it was made, with the ref it has here. For podman's archives what gantry would know is guessed. */
  readonly record: CheckpointRecord;
  /** Parts of the archive gantry has no use for, e.g. podman's volumes. */
  readonly ignored: readonly string[];
}

const mostEntries = 100_000;
/** JSON that is read as a whole: a spec has kilobytes. */
const longestDocument = 16 << 20;
const deepestDocument = 32;

/**
 * Puts a checkpoint archive, gantry's or podman's, compressed or not, into the store. The whole archive is read, unpacked
 * aside, checked and synced before it gets its name: one that is cut, corrupt, or holds an entry that could do harm
 * (absolute, `..`, links, devices, two of one name) is refused whole, and a full disk leaves nothing half-made.
 */
export async function importCheckpoint(
  archive: ReadableStream<Uint8Array>,
  target: ImportTarget,
  options: ImportOptions = {},
): Promise<ImportedCheckpoint> {
  const ignored = new Set<string>();
  let opened = false;
  try {
    const record = await target.store.adopt(target.ref, async (paths) => {
      opened = true;
      await unpackInto(paths, archive, { ignored, ...options });
      await checkRootfsDiff(paths, options);
      return await takeRecord(paths, target.ref);
    });
    return { record, ignored: [...ignored].sort() };
  } finally {
    if (!opened) await archive.cancel().catch(() => {});
  }
}

/** {@link importCheckpoint} of a file. */
export async function importCheckpointFile(
  path: string,
  target: ImportTarget,
  options: ImportOptions = {},
): Promise<ImportedCheckpoint> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw systemError(error, `open ${path}`);
  }
  return await importCheckpoint(file.readable, target, options);
}

async function unpackInto(
  paths: CheckpointPaths,
  archive: ReadableStream<Uint8Array>,
  { ignored, signal }: ImportOptions & { readonly ignored: Set<string> },
): Promise<void> {
  await makeDirectory(paths.images);
  await makeDirectory(paths.work);
  using tree = openTree(paths.directory, { resolution: "refuse" });
  const entries = readTar(await uncompress(archive), { unique: true, maxEntries: mostEntries, signal });
  await unpack(wanted(entries, ignored), tree, {
    owners: "mine",
    modes: { file: 0o600, directory: 0o700 },
    devices: false,
    sync: true,
    signal,
  });
  for (const directory of [paths.images, paths.work, paths.directory]) await syncDirectory(directory);
}

async function* wanted(entries: AsyncIterable<ReceivedEntry>, ignored: Set<string>): AsyncGenerator<ReceivedEntry> {
  for await (const entry of entries) {
    // CRIU reads its images by name, following links: one could show it any file of the host.
    if (entry.type !== "file" && entry.type !== "directory") {
      throw refusedEntry(entry.name, "a checkpoint has only files and directories");
    }
    if (entry.path === "") continue;
    const path = placeOf(entry.path);
    if (path === undefined) {
      ignored.add(entry.path.split("/", 1)[0] ?? entry.path);
      continue;
    }
    if (entry.type === "directory" && path !== "images" && !path.startsWith("images/")) {
      throw refusedEntry(entry.name, "it must be a file");
    }
    const isDocument = path === layout.config || path === layout.spec;
    if (isDocument && entry.size > longestDocument) throw refusedEntry(entry.name, `it has ${entry.size} bytes`);
    yield { ...entry, path };
  }
}

/** Makes the record out of the two documents and removes them: `checkpoint.json` says it all. */
async function takeRecord(paths: CheckpointPaths, ref: CheckpointRef): Promise<CheckpointRecord> {
  const config = await takeDocument(paths, layout.config);
  const spec = await takeDocument(paths, layout.spec);
  if (!await exists(`${paths.images}/${inventory}`)) throw noCheckpoint(`it has no ${layout.images}/${inventory}`);
  if (!isSpec(spec)) throw noCheckpoint(`its ${layout.spec}: ${specShape(spec, "") ?? "malformed"}`);
  const saved = await exists(paths.rootfsDiff) || await exists(paths.deletedFiles);
  const own = recordField(config, "gantry");
  if (own === undefined) return await foreignRecord(paths, { config, spec, ref, saved });
  const record = recordOf({ ...own, spec }, layout.config);
  return { ...record, rootfs: { ...record.rootfs, saved } };
}

async function takeDocument(paths: CheckpointPaths, name: string): Promise<JsonRecord> {
  const path = `${paths.directory}/${name}`;
  if (!await exists(path)) throw noCheckpoint(`it has no ${name}`);
  let document: unknown;
  try {
    document = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof SyntaxError) throw noCheckpoint(`its ${name} is not JSON`);
    throw systemError(error, `read ${path}`);
  }
  if (!isRecord(document)) throw noCheckpoint(`its ${name} is no object`);
  if (isDeeperThan(document, deepestDocument)) throw noCheckpoint(`its ${name} is nested too deeply`);
  await Deno.remove(path);
  const clean = withoutNulls(document);
  return isRecord(clean) ? clean : {};
}

interface Foreign {
  readonly config: JsonRecord;
  readonly spec: Spec;
  readonly ref: CheckpointRef;
  readonly saved: boolean;
}

/** What can be known of a checkpoint that another program made. */
async function foreignRecord(paths: CheckpointPaths, { config, spec, ref, saved }: Foreign): Promise<CheckpointRecord> {
  const time = Date.parse(stringField(config, "checkpointedTime") ?? stringField(config, "createdTime") ?? "");
  const stats = await readCriuStats(`${paths.work}/stats-dump`).catch(() => undefined);
  return {
    ...ref,
    id: newId(),
    container: stringField(config, "id") ?? ref.container,
    containerName: stringField(config, "name") ?? ref.container,
    createdAt: Number.isFinite(time) ? time : 0,
    kernel: "unknown",
    runtime: "io.containerd.runc.v2",
    sizeBytes: 0,
    stats: stats?.dump,
    leftRunning: false,
    options: {},
    rootfs: { path: spec.root?.path ?? "", overlay: true, saved },
    labels: {},
    spec,
  };
}
