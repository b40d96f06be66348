import { BinaryReader } from "@bufbuild/protobuf/wire";
import { GantryError } from "../../base/errors.ts";
import { systemError } from "../../base/errno.ts";

/** What CRIU measured while it made a checkpoint. Times in milliseconds, exact to the microsecond. */
export interface DumpStats {
  /** Until every process stood still. */
  readonly freezingMs: number;
  /** How long they stood still: what a client notices. */
  readonly frozenMs: number;
  /** Copying memory out of the processes. */
  readonly memdumpMs: number;
  /** Writing it to the image files. */
  readonly memwriteMs: number;
  /** Pages of memory looked at. */
  readonly pagesScanned: number;
  /** Left out because the parent checkpoint has them. */
  readonly pagesSkippedParent: number;
  /** Pages in the images, 4 KiB each. */
  readonly pagesWritten: number;
}

/** What CRIU measured while it restored one. */
export interface RestoreStats {
  /** Making the processes. */
  readonly forkingMs: number;
  /** All of it. */
  readonly restoreMs: number;
  /** Pages compared with those of a parent process. */
  readonly pagesCompared: number;
  /** Pages filled from the images. */
  readonly pagesRestored: number;
}

/** The content of a `stats-dump` or `stats-restore` file: one of the two is there. */
export interface CriuStats {
  /** Of a dump. */
  readonly dump?: DumpStats | undefined;
  /** Of a restore. */
  readonly restore?: RestoreStats | undefined;
}

/** CRIU's magic of service files, and that of statistics (criu/include/magic.h). */
const serviceMagic = 0x5510_5940;
const statsMagic = 0x5709_3306;
const headerBytes = 12;
/** A real one has about 50 bytes. */
const largest = 64 << 10;

/**
 * Reads the statistics CRIU leaves in its work directory. Undefined when there are none: a dump that failed writes none.
 * A file that is something else is `data_loss`.
 */
export async function readCriuStats(path: string): Promise<CriuStats | undefined> {
  let bytes: Uint8Array;
  try {
    if ((await Deno.stat(path)).size > largest) throw malformed(path, "it is too long");
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw systemError(error, `read ${path}`);
  }
  return parseCriuStats(bytes, path);
}

/** Decodes the file's bytes: two magics, a length, `stats_entry` of CRIU's images/stats.proto. `path` is for messages. */
export function parseCriuStats(bytes: Uint8Array, path: string): CriuStats {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    bytes.length < headerBytes || view.getUint32(0, true) !== serviceMagic || view.getUint32(4, true) !== statsMagic
  ) {
    throw malformed(path, "it does not begin like one");
  }
  const length = view.getUint32(8, true);
  if (headerBytes + length > bytes.length) throw malformed(path, "it is cut short");
  try {
    const { 1: dump, 2: restore } = messagesOf(bytes.subarray(headerBytes, headerBytes + length));
    return {
      ...(dump === undefined ? {} : { dump: dumpOf(numbersOf(dump)) }),
      ...(restore === undefined ? {} : { restore: restoreOf(numbersOf(restore)) }),
    };
  } catch (error) {
    throw malformed(path, "its message is malformed", error);
  }
}

type Numbers = Readonly<Record<number, number>>;

function dumpOf(fields: Numbers): DumpStats {
  return {
    freezingMs: msOf(fields[1]),
    frozenMs: msOf(fields[2]),
    memdumpMs: msOf(fields[3]),
    memwriteMs: msOf(fields[4]),
    pagesScanned: fields[5] ?? 0,
    pagesSkippedParent: fields[6] ?? 0,
    pagesWritten: fields[7] ?? 0,
  };
}

function restoreOf(fields: Numbers): RestoreStats {
  return {
    forkingMs: msOf(fields[3]),
    restoreMs: msOf(fields[4]),
    pagesCompared: fields[1] ?? 0,
    pagesRestored: fields[5] ?? 0,
  };
}

/** CRIU counts microseconds. */
function msOf(microseconds = 0): number {
  return microseconds / 1000;
}

function messagesOf(bytes: Uint8Array): Readonly<Record<number, Uint8Array>> {
  const found: Record<number, Uint8Array> = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    // Wire type 2: bytes with their length.
    if (Number(type) === 2) found[field] = reader.bytes();
    else reader.skip(type, field);
  }
  return found;
}

function numbersOf(bytes: Uint8Array): Numbers {
  const found: Record<number, number> = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (Number(type) === 0) found[field] = Number(reader.uint64());
    else reader.skip(type, field);
  }
  return found;
}

function malformed(path: string, why: string, cause?: unknown): GantryError {
  return new GantryError("data_loss", `${path} is no file of CRIU statistics: ${why}`, { cause });
}
