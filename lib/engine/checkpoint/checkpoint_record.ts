import { GantryError } from "../../base/errors.ts";
import {
  arrayField,
  booleanField,
  integerField,
  isRecord,
  type JsonRecord,
  numberField,
  parseJson,
  recordField,
  stringField,
} from "../../base/json.ts";
import type { Spec } from "../../wire/oci.ts";
import { encodeOci } from "../../wire/oci_json.ts";
import type { ContainerFile } from "../spec/network_files.ts";
import { isSpec, specShape } from "../spec/spec_shape.ts";
import { type CriuOptions, criuOptionsOf } from "./checkpoint_options.ts";
import type { DumpStats } from "./criu_stats.ts";

/** The root filesystem a checkpoint was taken on. */
export interface CheckpointRootfs {
  /** The directory, on the host that made the checkpoint. */
  readonly path: string;
  /** True when it was the lower layer of a throw-away overlay. */
  readonly overlay: boolean;
  /** True when the changes are in the checkpoint (`rootfs-diff.tar`, `deleted.files`). */
  readonly saved: boolean;
}

/** All about a checkpoint: the content of `checkpoint.json`. */
export interface CheckpointRecord {
  /** 64 hex digits. */
  readonly id: string;
  /** containerd's namespace. */
  readonly namespace: string;
  /** Id of the container. */
  readonly container: string;
  /** Name the container had. */
  readonly containerName: string;
  /** Name of the checkpoint. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Id of the checkpoint the container had been restored from; undefined for one that was started. */
  readonly parent?: string | undefined;
  /** Release of the kernel. */
  readonly kernel: string;
  /** E.g. `4.2.1`; undefined when it could not be found out. */
  readonly criuVersion?: string | undefined;
  /** containerd's name of the runtime. */
  readonly runtime: string;
  /** Size of the images and saved changes on disk, bytes. */
  readonly sizeBytes: number;
  /** How long the whole checkpoint took, milliseconds. */
  readonly durationMs?: number | undefined;
  /** How long gantry had it paused, to save its root filesystem too, milliseconds; undefined when it did not. */
  readonly pausedMs?: number | undefined;
  /** CRIU's own measurements. */
  readonly stats?: DumpStats | undefined;
  /** True when the container went on; false when it was ended with the checkpoint. */
  readonly leftRunning: boolean;
  /** What CRIU was allowed; needed again at restore. */
  readonly options: CriuOptions;
  /** What it ran on. */
  readonly rootfs: CheckpointRootfs;
  /** Files of gantry that mounts of the spec show in the container, e.g. its hosts. */
  readonly files?: readonly ContainerFile[] | undefined;
  /** Labels of the container, with gantry's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the runtime was given. */
  readonly spec: Spec;
}

const version = 1;

/** The record as the text of its file. */
export function encodeRecord(record: CheckpointRecord): string {
  return `${encodeOci({ version, ...record })}\n`;
}

/** The record in a file's text; `path` is for messages. `data_loss` for what is none. */
export function decodeRecord(text: string, path: string): CheckpointRecord {
  const document = parseJson(text, path);
  if (!isRecord(document)) throw malformed(path, "it is no object");
  if (document.version !== version) {
    throw new GantryError(
      "unimplemented",
      `${path} has version ${JSON.stringify(document.version)}, gantry knows ${version}`,
      {
        hint: "it was made by a newer gantry: use that one",
      },
    );
  }
  return recordOf(document, path);
}

/** The record in a parsed document, e.g. the part of `config.dump` that is gantry's. */
export function recordOf(document: JsonRecord, path: string): CheckpointRecord {
  const text = (name: string): string => stringField(document, name) ?? missing(path, name);
  const rootfs = recordField(document, "rootfs") ?? missing(path, "rootfs");
  const { spec } = document;
  if (!isSpec(spec)) throw malformed(path, `its spec: ${specShape(spec, "") ?? "malformed"}`);
  const stats = recordField(document, "stats");
  return {
    id: text("id"),
    namespace: text("namespace"),
    container: text("container"),
    containerName: text("containerName"),
    name: text("name"),
    createdAt: numberField(document, "createdAt") ?? missing(path, "createdAt"),
    parent: stringField(document, "parent"),
    kernel: text("kernel"),
    criuVersion: stringField(document, "criuVersion"),
    runtime: text("runtime"),
    sizeBytes: integerField(document, "sizeBytes") ?? missing(path, "sizeBytes"),
    durationMs: numberField(document, "durationMs"),
    pausedMs: numberField(document, "pausedMs"),
    stats: stats === undefined ? undefined : statsOf(stats),
    leftRunning: booleanField(document, "leftRunning") ?? missing(path, "leftRunning"),
    options: criuOptionsOf(recordField(document, "options") ?? {}),
    rootfs: {
      path: stringField(rootfs, "path") ?? missing(path, "rootfs.path"),
      overlay: booleanField(rootfs, "overlay") ?? false,
      saved: booleanField(rootfs, "saved") ?? false,
    },
    files: arrayField(document, "files")?.map((file) => fileOf(file) ?? missing(path, "a part of files")),
    labels: textsOf(recordField(document, "labels") ?? {}),
    spec,
  };
}

function statsOf(record: JsonRecord): DumpStats {
  const number = (name: keyof DumpStats): number => numberField(record, name) ?? 0;
  return {
    freezingMs: number("freezingMs"),
    frozenMs: number("frozenMs"),
    memdumpMs: number("memdumpMs"),
    memwriteMs: number("memwriteMs"),
    pagesScanned: number("pagesScanned"),
    pagesSkippedParent: number("pagesSkippedParent"),
    pagesWritten: number("pagesWritten"),
  };
}

/** Undefined for what is none: its name becomes part of a path. */
function fileOf(file: unknown): ContainerFile | undefined {
  if (!isRecord(file)) return undefined;
  const name = stringField(file, "name");
  const content = stringField(file, "content");
  const mode = integerField(file, "mode");
  if (name === undefined || content === undefined || mode === undefined || !isFileName(name)) return undefined;
  return { name, content, mode: mode & 0o777 };
}

/** True for what can name a file in a container's data directory. */
export function isFileName(name: string): boolean {
  return /^[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*$/.test(name) && name.length <= 64;
}

function textsOf(record: JsonRecord): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => typeof value === "string" ? [[key, value]] : []),
  );
}

function missing(path: string, field: string): never {
  throw malformed(path, `${field} is missing`);
}

function malformed(path: string, why: string): GantryError {
  return new GantryError("data_loss", `${path} describes no checkpoint: ${why}`);
}
