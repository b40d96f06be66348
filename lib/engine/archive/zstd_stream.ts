import { GantryError } from "../../base/errors.ts";

/**
 * zstd through the C library of that name, which every Debian has (dpkg needs it). Deno 2.9 has no
 * `CompressionStream("zstd")`, and its node:zlib throws outside of any handler on a wrong checksum, which ends the process.
 * Each call works on one piece and takes well under a millisecond.
 */
const definitions = {
  ZSTD_createCCtx: { parameters: [], result: "pointer" },
  ZSTD_CCtx_setParameter: { parameters: ["pointer", "i32", "i32"], result: "usize" },
  ZSTD_compressStream2: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "usize" },
  ZSTD_freeCCtx: { parameters: ["pointer"], result: "usize" },
  ZSTD_createDCtx: { parameters: [], result: "pointer" },
  ZSTD_decompressStream: { parameters: ["pointer", "buffer", "buffer"], result: "usize" },
  ZSTD_freeDCtx: { parameters: ["pointer"], result: "usize" },
  ZSTD_isError: { parameters: ["usize"], result: "u32" },
  ZSTD_getErrorName: { parameters: ["usize"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type Zstd = Deno.DynamicLibrary<typeof definitions>["symbols"];

const ZSTD_c_checksumFlag = 201;
const ZSTD_e_continue = 0;
const ZSTD_e_end = 2;
const pieceBytes = 128 << 10;

let loaded: Zstd | undefined;

/** Opens the library now; `unimplemented` where there is none. Tests call it at the top of their module. */
export function loadZstd(): Zstd {
  try {
    loaded ??= Deno.dlopen("libzstd.so.1", definitions).symbols;
    return loaded;
  } catch (error) {
    throw new GantryError("unimplemented", "cannot load libzstd.so.1, which zstd archives need", {
      hint: "install it (Debian: libzstd1), or use gzip",
      cause: error,
    });
  }
}

/** Compresses with zstd's default level, 3, and a checksum. */
export function zstdCompressed(source: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const zstd = loadZstd();
  return ReadableStream.from(compressed(zstd, source));
}

/**
 * Uncompresses zstd, several frames too. `data_loss` for what is corrupt, ends inside a frame, or needs more memory than
 * zstd grants by itself (a window of 128 MiB).
 */
export function zstdUncompressed(source: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const zstd = loadZstd();
  return ReadableStream.from(uncompressed(zstd, source));
}

async function* compressed(zstd: Zstd, source: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const context = zstd.ZSTD_createCCtx();
  try {
    check(zstd, zstd.ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
    const step = (piece: Piece, output: Piece, end: number): bigint =>
      zstd.ZSTD_compressStream2(context, output.buffer, piece.buffer, end);
    for await (const chunk of source) {
      for (const bytes of cut(chunk)) {
        const input = pieceOf(bytes);
        while (position(input) < bytes.length) yield* stepped(zstd, (output) => step(input, output, ZSTD_e_continue));
      }
    }
    const nothing = pieceOf(new Uint8Array(1), 0);
    for (let rest = 1n; rest !== 0n;) {
      yield* stepped(zstd, (output) => rest = check(zstd, step(nothing, output, ZSTD_e_end)));
    }
  } finally {
    zstd.ZSTD_freeCCtx(context);
  }
}

async function* uncompressed(zstd: Zstd, source: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const context = zstd.ZSTD_createDCtx();
  // 0: a frame has just ended.
  let rest = 0n;
  try {
    for await (const chunk of source) {
      for (const bytes of cut(chunk)) {
        const input = pieceOf(bytes);
        // Bytes that are taken in may not be given out yet when the output was full.
        for (let full = true; full || position(input) < bytes.length;) {
          const made = [
            ...stepped(
              zstd,
              (output) => rest = check(zstd, zstd.ZSTD_decompressStream(context, output.buffer, input.buffer)),
            ),
          ];
          full = made.some(({ length }) => length === pieceBytes);
          yield* made;
        }
      }
    }
  } finally {
    zstd.ZSTD_freeDCtx(context);
  }
  if (rest !== 0n) throw new GantryError("data_loss", "the archive is truncated: its zstd stream has no end");
}

/** Gives what one call wrote, if anything. */
function* stepped(zstd: Zstd, call: (output: Piece) => bigint): Generator<Uint8Array> {
  const bytes = new Uint8Array(pieceBytes);
  const output = pieceOf(bytes);
  check(zstd, call(output));
  const length = position(output);
  if (length > 0) yield bytes.subarray(0, length);
}

/** `ZSTD_inBuffer` or `ZSTD_outBuffer`: address, size, position. `bytes` is kept so that the address stays its own. */
interface Piece {
  readonly buffer: BigUint64Array<ArrayBuffer>;
  readonly bytes: Uint8Array;
}

function pieceOf(bytes: Uint8Array<ArrayBuffer>, size: number = bytes.length): Piece {
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  return { buffer: BigUint64Array.of(BigInt(address), BigInt(size), 0n), bytes };
}

function position({ buffer }: Piece): number {
  return Number(buffer[2] ?? 0n);
}

/** Copies in pieces: the stream's chunks may be views of memory that moves. */
function* cut(chunk: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < chunk.length; at += pieceBytes) yield new Uint8Array(chunk.subarray(at, at + pieceBytes));
}

function check(zstd: Zstd, result: bigint): bigint {
  if (zstd.ZSTD_isError(result) === 0) return result;
  const name = zstd.ZSTD_getErrorName(result);
  const text = name === null ? "unknown error" : new Deno.UnsafePointerView(name).getCString();
  throw new GantryError("data_loss", `the archive is corrupt: zstd says "${text}"`);
}
