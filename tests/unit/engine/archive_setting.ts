/** What tests of archives share. */
import { loadFileCalls } from "../../../lib/engine/archive/file_calls.ts";
import { readTar, type ReadTarOptions } from "../../../lib/engine/archive/tar_reader.ts";
import type { TarEntry } from "../../../lib/engine/archive/tar_entry.ts";
import { writeTar } from "../../../lib/engine/archive/tar_writer.ts";

loadFileCalls();

/** An entry and, for files, its content. */
export interface Sample extends Partial<TarEntry> {
  readonly name: string;
  readonly content?: string | Uint8Array | undefined;
}

/** A folder that is removed with all that is in it. */
export async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "gantry-archive-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** An entry with what most tests do not care about filled in. */
export function entry(sample: Sample): TarEntry {
  const { content, ...given } = sample;
  return {
    type: "file",
    size: content === undefined ? 0 : bytes(content).length,
    mode: given.type === "directory" ? 0o755 : 0o644,
    uid: Deno.uid() ?? 0,
    gid: Deno.gid() ?? 0,
    mtimeMs: 1_700_000_000_000,
    linkname: "",
    xattrs: new Map(),
    ...given,
  };
}

/** A whole archive as gantry writes it. */
export async function tarOf(...samples: readonly Sample[]): Promise<Uint8Array<ArrayBuffer>> {
  return await bytesOf(tarStream(...samples));
}

/** {@link tarOf} as a stream. */
export function tarStream(...samples: readonly Sample[]): ReadableStream<Uint8Array> {
  return writeTar(async (writer) => {
    for (const sample of samples) {
      const { content } = sample;
      await writer.add(entry(sample), content === undefined ? undefined : once(bytes(content)));
    }
  });
}

/** A stream of `data`, cut into pieces of `pieceBytes`. */
export function streamOf(data: Uint8Array, pieceBytes = 1000): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= data.length) return controller.close();
      controller.enqueue(data.slice(at, at += pieceBytes));
    },
  });
}

/** Everything a stream gives. */
export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part.slice());
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads a whole archive: its entries with their content as text. */
export async function entriesOf(
  data: Uint8Array,
  options: ReadTarOptions & { readonly pieceBytes?: number } = {},
): Promise<(TarEntry & { readonly path: string; readonly text: string })[]> {
  const found = [];
  for await (const { body, ...rest } of readTar(streamOf(data, options.pieceBytes), options)) {
    found.push({ ...rest, text: new TextDecoder().decode(await bytesOf(body)) });
  }
  return found;
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

function bytes(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}
