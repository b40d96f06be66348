import { createTarDecoder } from "modern-tar";
import { errnoOf, systemError } from "../../base/errno.ts";
import { GantryError, messageOf } from "../../base/errors.ts";
import { entryPath, refusedEntry } from "./entry_name.ts";
import { type BlockVisitor, followTar, type TarFollower } from "./tar_blocks.ts";
import { deviceFields, type DeviceNumbers, type EntryType, type TarEntry, xattrKeyword } from "./tar_entry.ts";
import { paxRecords, readNumber } from "./tar_fields.ts";

/** An entry as it comes out of a stream. */
export interface ReceivedEntry extends TarEntry {
  /** {@link TarEntry.name} as a path below the directory the archive is unpacked to: checked, `""` for that directory. */
  readonly path: string;
  /** The bytes of a file; what is not read is skipped when the next entry is asked for. */
  readonly body: ReadableStream<Uint8Array>;
}

/** Options of {@link readTar}. */
export interface ReadTarOptions {
  /** Refuses a second entry of one name; keeps every name in memory. Default false: the last one counts. */
  readonly unique?: boolean | undefined;
  /** Default 1 000 000. */
  readonly maxEntries?: number | undefined;
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link followTar} saw of one entry. */
interface RawHeader {
  readonly type: string;
  readonly size: number;
  readonly device: DeviceNumbers;
  readonly records: ReadonlyMap<string, Uint8Array>;
}

const types: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
};

/**
 * Reads an uncompressed tar as it comes, with bounded memory. Every name is checked before it is given out. Fails with
 * `data_loss` for a corrupt or truncated archive and `invalid_argument` for an entry that is refused; entries that came
 * before have been given out by then.
 */
export async function* readTar(
  source: ReadableStream<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<ReceivedEntry> {
  const { unique = false, maxEntries = 1_000_000, signal } = options;
  const headers: RawHeader[] = [];
  const names = new Set<string>();
  const decoder = createTarDecoder({ strict: true });
  // modern-tar does not tell its source when nobody reads any more; leaving early is ended from here.
  const left = new AbortController();
  const fed = ReadableStream.from(followed(source, { tar: followTar(watch(headers)), signal }))
    .pipeTo(decoder.writable, { signal: left.signal })
    .catch(() => {});
  const reader = decoder.readable.getReader();
  try {
    for (let count = 1;; count++) {
      const { done, value } = await reader.read();
      if (done) return;
      if (count > maxEntries) {
        throw new GantryError("invalid_argument", `the archive has more than ${maxEntries} entries`);
      }
      const content = value.body.getReader();
      const entry = { ...received(value, headers.shift()), body: bodyOf(content) };
      if (unique && names.size === names.add(entry.path).size) {
        throw refusedEntry(entry.name, "its path was there before");
      }
      yield entry;
      await drain(content);
    }
  } catch (error) {
    throw readingError(error, signal);
  } finally {
    left.abort();
    await reader.cancel().catch(() => {});
    await fed;
  }
}

/** Cancelling it only ends the reading: modern-tar 0.8.6 can hang for ever after one of its bodies was cancelled. */
function bodyOf(content: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await content.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

async function drain(content: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    while (!(await content.read()).done);
  } catch {
    // The next entry fails with the same.
  }
}

/** Shows the tar to the follower, and gives every failure of the source its meaning before it reaches the bodies. */
async function* followed(
  source: ReadableStream<Uint8Array>,
  { tar, signal }: { readonly tar: TarFollower; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      const passed: Uint8Array[] = [];
      tar.take(chunk, (bytes) => passed.push(bytes));
      yield* passed;
    }
    tar.end();
  } catch (error) {
    throw readingError(error, signal);
  }
}

/** What a failure of a stream that carries an archive means. */
export function readingError(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof GantryError) return error;
  // Compressors have codes of their own, such as Z_DATA_ERROR and ERR_STREAM_DESTROYED.
  if (/^E[A-Z0-9]+$/.test(errnoOf(error) ?? "")) return systemError(error, "read the archive");
  return new GantryError("data_loss", `the archive is corrupt or truncated: ${messageOf(error)}`, { cause: error });
}

function watch(headers: RawHeader[]): BlockVisitor {
  let records = new Map<string, Uint8Array>();
  return {
    pax(body) {
      // The last one counts, as it does for modern-tar. Copies: the stream goes on with the bytes.
      records = new Map();
      for (const { key, value } of paxRecords(body)) records.set(key, value.slice());
    },
    header(block, size) {
      const isDevice = block[156] === 0x33 || block[156] === 0x34;
      headers.push({
        type: String.fromCharCode(block[156] ?? 0),
        size,
        device: {
          major: isDevice ? readNumber(block.subarray(...deviceFields.major)) : 0,
          minor: isDevice ? readNumber(block.subarray(...deviceFields.minor)) : 0,
        },
        records,
      });
      records = new Map();
    },
  };
}

type Decoded = ReturnType<typeof createTarDecoder>["readable"] extends ReadableStream<infer E> ? E : never;

function received({ header }: Decoded, raw: RawHeader | undefined): Omit<ReceivedEntry, "body"> {
  const { name } = header;
  if (raw === undefined) throw new GantryError("internal", "an entry without a header came out of the archive");
  const isOldDirectory = name.endsWith("/") && types[raw.type] === "file";
  const type = isOldDirectory ? "directory" : types[raw.type];
  if (type === undefined) throw refusedEntry(name, `its type ${JSON.stringify(raw.type)} is not supported`);
  for (const key of raw.records.keys()) {
    if (key.startsWith("GNU.sparse.")) throw refusedEntry(name, "sparse files are not supported in archives");
  }
  // Two readers that see two archives in the same bytes are how checks are got around.
  if (type !== header.type || (type === "file" && raw.size !== header.size)) {
    throw refusedEntry(name, "its header is ambiguous");
  }
  return {
    name,
    path: entryPath(name),
    type,
    size: type === "file" ? header.size : 0,
    mode: (header.mode ?? 0) & 0o7777,
    uid: ownerId(name, header.uid),
    gid: ownerId(name, header.gid),
    mtimeMs: exactTime(raw) ?? header.mtime?.getTime() ?? 0,
    linkname: type === "link" || type === "symlink" ? header.linkname ?? "" : "",
    ...(type.endsWith("device") ? { device: raw.device } : {}),
    xattrs: xattrsOf(raw),
  };
}

function ownerId(name: string, id: number | undefined): number {
  // The kernel takes 2^32 - 1 for "leave it as it is".
  if (id === undefined || !Number.isInteger(id) || id < 0 || id >= 2 ** 32 - 1) {
    throw refusedEntry(name, `its owner is ${id}`);
  }
  return id;
}

/** The time in a PAX header, with its fraction; modern-tar cuts it to milliseconds. */
function exactTime(raw: RawHeader): number | undefined {
  const text = new TextDecoder().decode(raw.records.get("mtime"));
  const [, sign = "", seconds, fraction = ""] = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const ms = Number(seconds) * 1000 + Math.round(Number(`0.${fraction}`) * 1e9) / 1e6;
  return sign === "" ? ms : -ms;
}

function xattrsOf(raw: RawHeader): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const [key, value] of raw.records) {
    if (key.startsWith(xattrKeyword)) found.set(key.slice(xattrKeyword.length), value);
  }
  return found;
}
