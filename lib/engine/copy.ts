/** Something bytes are read from; `Deno.stdin` and `Deno.FsFile` are. */
export interface ByteSource {
  /** Fills the start of `buffer`; the number of bytes, or null at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
}

/** Something bytes are written to, possibly fewer than given; `Deno.stdout` and `Deno.FsFile` are. */
export interface ByteSink {
  /** Writes the first of `bytes`; how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Takes everything and keeps nothing. */
export const nowhere: ByteSink = { write: (bytes) => Promise.resolve(bytes.length) };

/** A pipe's capacity: one read empties it. */
export const bufferBytes = 64 << 10;

/** Progress of a {@link copy}, for somebody who must tell a slow stream from a silent one. */
export interface CopyProgress {
  /** Bytes moved. */
  bytes: number;
  /** True while the sink holds us up. */
  writing: boolean;
}

/** Copies until the source ends. Rejects with the sink's error (`Deno.errors.BrokenPipe` when nobody reads any more). */
export async function copy(source: ByteSource, sink: ByteSink, progress?: CopyProgress): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  for (;;) {
    const length = await source.read(buffer);
    if (length === null) return;
    if (progress !== undefined) progress.writing = true;
    await writeAll(sink, buffer.subarray(0, length));
    if (progress === undefined) continue;
    progress.writing = false;
    progress.bytes += length;
  }
}

/** Writes all of `bytes`. */
export async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await sink.write(bytes.subarray(written));
}
