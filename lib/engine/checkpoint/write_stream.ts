import { errnoOf, systemError } from "../../base/errno.ts";
import { parentOf, syncDirectory } from "./directories.ts";

/** Options of {@link writeStream}. */
export interface WriteStreamOptions {
  /** Ends the writing early by rejecting; nothing is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a stream to a file, mode 0600, that has the name only once it is whole and on the disk: a reader never sees a
 * part, and a file of that name stays as it was when anything fails. A full disk is `resource_exhausted`.
 */
export async function writeStream(
  stream: ReadableStream<Uint8Array>,
  path: string,
  options: WriteStreamOptions = {},
): Promise<void> {
  const random = crypto.getRandomValues(new Uint8Array(6)).toHex();
  const directory = parentOf(path);
  const temporary = `${directory}/.${path.slice(path.lastIndexOf("/") + 1)}.${Deno.pid}-${random}.tmp`;
  try {
    {
      using file = await open(temporary, stream);
      for await (const chunk of stream) {
        options.signal?.throwIfAborted();
        for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      }
      await file.sync();
    }
    await Deno.rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw errnoOf(error) === undefined ? error : systemError(error, `write ${path}`);
  }
}

async function open(path: string, stream: ReadableStream<Uint8Array>): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    // Whatever feeds it must not wait for a reader for ever.
    await stream.cancel(error).catch(() => {});
    throw error;
  }
}
