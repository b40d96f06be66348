import { encodeOci } from "../../wire/oci_json.ts";
import { compress, type Compression, compressionOf } from "../archive/compression.ts";
import { pack } from "../archive/pack.ts";
import type { TarEntry } from "../archive/tar_entry.ts";
import { type TarWriter, writeTar } from "../archive/tar_writer.ts";
import { openTree } from "../archive/tree.ts";
import { layout, partsOf } from "./archive_layout.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import type { CheckpointRecord } from "./checkpoint_record.ts";
import { exists, sizeOf } from "./directories.ts";
import { writeStream } from "./write_stream.ts";

/** A complete checkpoint. */
export interface StoredCheckpoint {
  /** What it is. */
  readonly record: CheckpointRecord;
  /** Where it is. */
  readonly paths: CheckpointPaths;
}

/** Options of {@link exportCheckpoint} and {@link checkpointArchive}. */
export interface ExportOptions {
  /** Default: as the file's name says (`.gz`, `.zst`), otherwise none. */
  readonly compression?: Compression | undefined;
  /** Ends the export early by rejecting; no file is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a checkpoint to one archive in podman's layout, mode 0600. The file appears whole or not at all; one of that
 * name is replaced. It carries all the container had in memory: keep it as you would keep its secrets.
 * Gives its size in bytes.
 */
export async function exportCheckpoint(
  checkpoint: StoredCheckpoint,
  path: string,
  options: ExportOptions = {},
): Promise<number> {
  const { compression = compressionOf(path), signal } = options;
  await writeStream(await checkpointArchive(checkpoint, { compression, signal }), path, { signal });
  return await sizeOf(path);
}

/** The same as a stream, made while it is read. */
export async function checkpointArchive(
  checkpoint: StoredCheckpoint,
  options: ExportOptions = {},
): Promise<ReadableStream<Uint8Array>> {
  const { compression = "none", signal } = options;
  const tar = writeTar((writer) => fill(writer, checkpoint, signal), { signal });
  return await compress(tar, compression);
}

async function fill(
  writer: TarWriter,
  { record, paths }: StoredCheckpoint,
  signal: AbortSignal | undefined,
): Promise<void> {
  // First, so that a reader learns what it has before the gigabytes come.
  await addText(writer, { name: layout.config, text: configOf(record), record });
  await addText(writer, { name: layout.spec, text: encodeOci(record.spec), record });
  using tree = openTree(paths.directory, { resolution: "refuse" });
  for (const [name, path] of partsOf(paths)) {
    if (!await exists(path)) continue;
    using place = tree.place(path.slice(paths.directory.length));
    await pack(writer, place, { as: name, signal });
  }
}

/** podman's ContainerConfig as far as it is needed to tell what this is, and gantry's record beside it. */
function configOf(record: CheckpointRecord): string {
  const { spec: _spec, ...rest } = record;
  const time = new Date(record.createdAt).toISOString();
  return encodeOci({
    id: record.container,
    name: record.containerName,
    runtime: "runc",
    createdTime: time,
    checkpointedTime: time,
    gantry: rest,
  });
}

async function addText(
  writer: TarWriter,
  { name, text, record }: { readonly name: string; readonly text: string; readonly record: CheckpointRecord },
): Promise<void> {
  const bytes = new TextEncoder().encode(`${text}\n`);
  const entry: TarEntry = {
    name,
    type: "file",
    size: bytes.length,
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeMs: Math.floor(record.createdAt / 1000) * 1000,
    linkname: "",
    xattrs: new Map(),
  };
  await writer.add(entry, ReadableStream.from([bytes]));
}
