import { GantryError } from "../../base/errors.ts";
import { readingError } from "./tar_reader.ts";

/** How an archive is packed. */
export type Compression = "none" | "gzip" | "zstd";

/** Every {@link Compression}, for messages and completion. */
export const compressions: readonly Compression[] = ["none", "gzip", "zstd"];

const endings: readonly (readonly [RegExp, Compression])[] = [
  [/\.(gz|tgz)$/i, "gzip"],
  [/\.(zst|zstd|tzst)$/i, "zstd"],
];

/** What others pack archives with, and how each begins. */
const magics: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
];
const longestMagic = 6;

/** The compression a file's name asks for: `.tar.gz`, `.tgz`, `.tar.zst`; `none` for every other ending. */
export function compressionOf(path: string): Compression {
  return endings.find(([ending]) => ending.test(path))?.[1] ?? "none";
}

/** A {@link Compression} from an option. `invalid_argument` for anything else. */
export function parseCompression(text: string): Compression {
  const found = compressions.find((compression) => compression === text);
  if (found !== undefined) return found;
  throw new GantryError("invalid_argument", `${JSON.stringify(text)} is no compression`, {
    hint: `it is one of ${compressions.join(", ")}`,
  });
}

/** Compresses a stream. gzip is the platform's (level 6, about 100 MB/s); zstd (level 3) is several times as fast. */
export async function compress(
  stream: ReadableStream<Uint8Array>,
  compression: Compression,
): Promise<ReadableStream<Uint8Array>> {
  if (compression === "none") return stream;
  if (compression === "zstd") return (await import("./zstd_stream.ts")).zstdCompressed(stream);
  return stream.pipeThrough(gzipped(new CompressionStream("gzip")));
}

/**
 * Uncompresses a stream by how it begins, whatever its name is. What is packed in a way gantry does not know is
 * `unimplemented`, and the hint says how to repack it. A compressed stream that is cut short or changed fails.
 */
export async function uncompress(stream: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const { start, whole } = await peek(stream);
  const name = magics.find(([, bytes]) => bytes.every((byte, index) => start[index] === byte))?.[0];
  if (name === undefined) return whole;
  if (name === "gzip") return whole.pipeThrough(gzipped(new DecompressionStream("gzip")));
  if (name === "zstd") return (await import("./zstd_stream.ts")).zstdUncompressed(whole);
  await whole.cancel();
  throw new GantryError("unimplemented", `the archive is packed with ${name}`, {
    hint: `unpack it first, e.g. with \`${name} -d\`; gantry reads plain, gzip and zstd archives`,
  });
}

/** Reads as much as it takes to tell formats apart, and gives a stream that still begins with it. */
async function peek(
  stream: ReadableStream<Uint8Array>,
): Promise<{ readonly start: Uint8Array; readonly whole: ReadableStream<Uint8Array> }> {
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    while (length < longestMagic) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
  } catch (error) {
    throw readingError(error);
  }
  const start = new Uint8Array(Math.min(length, longestMagic));
  let filled = 0;
  for (const part of parts) {
    const piece = part.subarray(0, start.length - filled);
    start.set(piece, filled);
    filled += piece.length;
  }
  const whole = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const held = parts.shift();
      if (held !== undefined) return controller.enqueue(held);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { start, whole };
}

/** The platform declares that these take any buffer; here they get and give arrays of bytes. */
function gzipped(stream: CompressionStream | DecompressionStream): ReadableWritablePair<Uint8Array, Uint8Array> {
  const writer = stream.writable.getWriter();
  return {
    readable: stream.readable,
    writable: new WritableStream<Uint8Array>({
      write: (chunk) => writer.write(owned(chunk)),
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    }),
  };
}

function owned(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = chunk;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(chunk);
}
