import { createTarPacker } from "modern-tar";
import { type BlockVisitor, followTar, type TarFollower } from "./tar_blocks.ts";
import { deviceFields, type TarEntry, xattrKeyword } from "./tar_entry.ts";
import { paxRecords, writeChecksum, writeNumber } from "./tar_fields.ts";

/** Puts entries into an archive, one after the other. */
export interface TarWriter {
  /** Adds an entry; a file's body must give exactly `entry.size` bytes, in arrays that are not used again. */
  add(entry: TarEntry, body?: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Options of {@link writeTar}. */
export interface WriteTarOptions {
  /** Fails the stream with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An uncompressed tar with what `fill` adds, made while it is read: memory is bounded, and an error in `fill` fails the
 * stream, so that a reader never takes a part for the whole. PAX headers are written where ustar has no room.
 */
export function writeTar(
  fill: (writer: TarWriter) => Promise<void>,
  options: WriteTarOptions = {},
): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunksOf(fill, options));
}

const pieceBytes = 64 << 10;

async function* chunksOf(
  fill: (writer: TarWriter) => Promise<void>,
  { signal }: WriteTarOptions,
): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const added: TarEntry[] = [];
  const writer: TarWriter = {
    async add(entry, body) {
      signal?.throwIfAborted();
      added.push(entry);
      const sink = controller.add(headerOf(entry)).getWriter();
      for await (const bytes of body ?? []) {
        signal?.throwIfAborted();
        await sink.write(bytes);
      }
      await sink.close();
    },
  };
  const filled = (async () => {
    try {
      await fill(writer);
      controller.finalize();
    } catch (error) {
      controller.error(error);
    }
  })();
  try {
    yield* gathered(readable, followTar(completion(added)));
  } finally {
    // A reader that left early has failed the next add(): `fill` closes its files before the stream counts as closed.
    await filled;
  }
}

/** Small files come in pieces of a block and less; handed on one by one, they would cost more than their bytes. */
async function* gathered(source: ReadableStream<Uint8Array>, tar: TarFollower): AsyncGenerator<Uint8Array> {
  let held = new Uint8Array(pieceBytes);
  let length = 0;
  const ready: Uint8Array[] = [];
  const flush = (): void => {
    if (length === 0) return;
    ready.push(held.subarray(0, length));
    held = new Uint8Array(pieceBytes);
    length = 0;
  };
  const gather = (bytes: Uint8Array): void => {
    if (length + bytes.length > pieceBytes) flush();
    if (bytes.length > pieceBytes / 2) {
      flush();
      ready.push(bytes);
      return;
    }
    held.set(bytes, length);
    length += bytes.length;
  };
  for await (const chunk of source) {
    tar.take(chunk, gather);
    yield* ready.splice(0);
  }
  tar.end();
  flush();
  yield* ready;
}

/** Fills in what modern-tar has no field for. Entries come by in the order in which they were added. */
function completion(added: TarEntry[]): BlockVisitor {
  return {
    pax(records) {
      for (const { key, value } of paxRecords(records)) {
        if (key.startsWith(xattrKeyword)) value.set(added[0]?.xattrs.get(key.slice(xattrKeyword.length)) ?? []);
      }
    },
    header(block) {
      const device = added.shift()?.device;
      if (device === undefined) return;
      writeNumber(block.subarray(...deviceFields.major), device.major);
      writeNumber(block.subarray(...deviceFields.minor), device.minor);
      writeChecksum(block);
    },
  };
}

/** What eleven octal digits hold: the year 2242. modern-tar would write a wrong time for a later one. */
const latest = 8 ** 11 - 1;

type Header = Parameters<ReturnType<typeof createTarPacker>["controller"]["add"]>[0];

function headerOf(entry: TarEntry): Header {
  const { type, mode, uid, gid, size, linkname, mtimeMs } = entry;
  const name = type === "directory" && !entry.name.endsWith("/") ? `${entry.name}/` : entry.name;
  const seconds = Math.min(Math.max(0, Math.floor(mtimeMs / 1000)), latest);
  const pax: Record<string, string> = {};
  if (seconds * 1000 !== mtimeMs) pax.mtime = secondsOf(mtimeMs);
  // Room of the right length; the bytes themselves need not be text and are set in `completion`.
  for (const [key, value] of entry.xattrs) pax[`${xattrKeyword}${key}`] = "?".repeat(value.length);
  const mtime = new Date(seconds * 1000);
  return {
    name,
    type,
    mode,
    uid,
    gid,
    size,
    mtime,
    ...(linkname === "" ? {} : { linkname }),
    ...(Object.keys(pax).length === 0 ? {} : { pax }),
  };
}

/** Decimal seconds to the microsecond; a quotient of doubles would be off by one there. */
function secondsOf(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const fraction = Math.min((Math.abs(ms) - seconds * 1000) / 1000, 0.999999).toFixed(6).slice(2);
  return `${ms < 0 ? "-" : ""}${seconds}.${fraction}`;
}
