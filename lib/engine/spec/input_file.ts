import { systemError } from "../../base/errno.ts";
import { GantryError, messageOf } from "../../base/errors.ts";

/** What is read, and how much of it at most. */
export interface InputFile {
  /** What the file is, for messages: `--env-file`, `--spec`. */
  readonly flag: string;
  /** Absolute, or relative to the working directory; a pipe such as /dev/fd/63 works too. */
  readonly path: string;
  /** Default: 4 MiB. */
  readonly maxBytes?: number | undefined;
}

/** Options of {@link readInput}. */
export interface ReadInputOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes of a file that the user named. Errors name the flag and the path; one that is too large is
 * `resource_exhausted` and is not read to its end, which /dev/zero does not have.
 */
export async function readInput(
  input: InputFile,
  options: ReadInputOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { flag, path, maxBytes = 4 * 1024 * 1024 } = input;
  const { signal } = options;
  signal?.throwIfAborted();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    using file = await Deno.open(path);
    for await (const chunk of chunksOf(file)) {
      signal?.throwIfAborted();
      size += chunk.length;
      if (size > maxBytes) {
        throw new GantryError("resource_exhausted", `${flag} ${path} is larger than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw systemError(error, `read ${flag} ${path}`);
  }
  return concatenate(chunks, size);
}

/** The JSON of a file that the user named; what is not JSON is `invalid_argument` and names the file. */
export async function readJsonInput(input: InputFile, options: ReadInputOptions = {}): Promise<unknown> {
  const bytes = await readInput(input, options);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    // V8 quotes the text around the mistake, which may be a secret; the position is kept.
    const reason = messageOf(error).replace(/, (?:\.\.\.)?".*is not valid JSON$/s, "");
    throw new GantryError("invalid_argument", `${input.flag} ${input.path} is not JSON: ${reason}`);
  }
}

async function* chunksOf(file: Deno.FsFile): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = new Uint8Array(64 * 1024);
    const length = await file.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
