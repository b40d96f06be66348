import { systemError } from "../../base/errno.ts";
import { GantryError, isCode } from "../../base/errors.ts";
import { deepest } from "./entry_name.ts";
import { type Descriptor, rawNames } from "./file_calls.ts";
import type { EntryType, TarEntry } from "./tar_entry.ts";
import type { TarWriter } from "./tar_writer.ts";
import { openDirectory, openFile, type Place, statPlace } from "./tree.ts";
import { readXattrs } from "./xattrs.ts";

/** Options of {@link pack}. */
export interface PackOptions {
  /** Name of the packed thing in the archive; `.` for a directory's content without a name of its own. */
  readonly as: string;
  /**
   * Asked about each thing below with its path below the packed one; false leaves it out with all that is in it. Default:
   * everything is packed.
   */
  readonly filter?: ((path: string, info: Deno.FileInfo, place: Place) => boolean | Promise<boolean>) | undefined;
  /** Ends the packing early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** What was packed. */
export interface PackReport {
  /** Number of entries. */
  readonly entries: number;
  /** Bytes of files. */
  readonly bytes: number;
  /** Paths of sockets, which no archive can hold; programs make them again. */
  readonly skipped: readonly string[];
}

const chunkBytes = 256 << 10;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Packs the file or directory at `place`, whatever it is, with modes, owners, times (to the millisecond), hard links,
 * devices and portable extended attributes. Links are packed as links. What disappears meanwhile is left out; a file
 * that shrinks while it is read is an error (`aborted`), for its size has been written by then.
 */
export async function pack(writer: TarWriter, place: Place, options: PackOptions): Promise<PackReport> {
  const packing = new Packing(writer, options);
  const info = await statPlace(place);
  if (info === undefined) throw new GantryError("not_found", `${place.path} does not exist`);
  await packing.add(place, info, { path: "", depth: 0 });
  return packing.report();
}

interface Where {
  /** Below the packed thing; empty for itself. */
  readonly path: string;
  readonly depth: number;
}

class Packing {
  readonly #writer: TarWriter;
  readonly #options: PackOptions;
  /** Files with several names, by device and inode, and the name each was packed under. */
  readonly #linked = new Map<string, string>();
  readonly #skipped: string[] = [];
  #entries = 0;
  #bytes = 0;

  constructor(writer: TarWriter, options: PackOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  report(): PackReport {
    return { entries: this.#entries, bytes: this.#bytes, skipped: this.#skipped };
  }

  async add(place: Place, info: Deno.FileInfo, where: Where): Promise<void> {
    const { as, signal } = this.#options;
    signal?.throwIfAborted();
    const name = where.path === "" ? as : as === "." ? where.path : `${as}/${where.path}`;
    if (info.isSocket) {
      this.#skipped.push(where.path);
      return;
    }
    try {
      if (info.isDirectory) return await this.#addDirectory(place, name, where);
      if (info.isFile) return await this.#addFile(place, name);
      const linkname = info.isSymlink ? Deno.readLinkSync(place.directory.entry(place.name)) : "";
      await this.#write({ ...entryOf(name, info), linkname });
    } catch (error) {
      // The top was there when we looked: it must not turn into an empty archive.
      const gone = isCode(error, "not_found") || error instanceof Deno.errors.NotFound;
      if (gone && where.path !== "") return;
      if (signal?.aborted) throw error;
      throw systemError(error, `read ${place.path}`);
    }
  }

  async #addDirectory(place: Place, name: string, where: Where): Promise<void> {
    if (where.depth > deepest) {
      throw new GantryError("out_of_range", `${place.path} is more than ${deepest} directories deep`);
    }
    using directory = openDirectory(place);
    const info = Deno.statSync(directory.path);
    await this.#write({ ...entryOf(name, info), xattrs: readXattrs(directory) });
    for (const child of namesOf(directory, place.path)) {
      const path = where.path === "" ? child : `${where.path}/${child}`;
      const below: Place = {
        directory,
        name: child,
        path: `${place.path.replace(/\/+$/, "")}/${child}`,
        [Symbol.dispose]: () => {},
      };
      const found = await statPlace(below);
      if (found === undefined) continue;
      if (this.#options.filter !== undefined && !await this.#options.filter(path, found, below)) continue;
      await this.add(below, found, { path, depth: where.depth + 1 });
    }
  }

  async #addFile(place: Place, name: string): Promise<void> {
    using open = openFile(place);
    const info = Deno.statSync(open.path);
    if (!info.isFile) throw new GantryError("aborted", `${place.path} became something else while it was copied`);
    const key = `${info.dev}:${info.ino}`;
    if ((info.nlink ?? 1) > 1) {
      const first = this.#linked.get(key);
      if (first !== undefined) {
        return await this.#write({ ...entryOf(name, info), type: "link", size: 0, linkname: first });
      }
      this.#linked.set(key, name);
    }
    using file = Deno.openSync(open.path);
    const entry = { ...entryOf(name, info), size: info.size, xattrs: readXattrs(open) };
    await this.#write(entry, contentOf(file, info.size, place.path));
    this.#bytes += info.size;
  }

  async #write(entry: TarEntry, body?: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#writer.add(entry, body);
    this.#entries++;
  }
}

function entryOf(name: string, info: Deno.FileInfo): TarEntry {
  const type = typeOf(info);
  const rdev = info.rdev ?? 0;
  return {
    name,
    type,
    size: 0,
    mode: (info.mode ?? 0) & 0o7777,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    mtimeMs: info.mtime?.getTime() ?? 0,
    linkname: "",
    // The kernel's own encoding (new_encode_dev): 12 bits of major inside 20 of minor.
    ...(type.endsWith("device")
      ? { device: { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) } }
      : {}),
    xattrs: new Map(),
  };
}

function typeOf(info: Deno.FileInfo): EntryType {
  if (info.isDirectory) return "directory";
  if (info.isSymlink) return "symlink";
  if (info.isCharDevice) return "character-device";
  if (info.isBlockDevice) return "block-device";
  return info.isFifo ? "fifo" : "file";
}

/** Sorted, so that one tree always gives one archive. */
function namesOf(directory: Descriptor, path: string): readonly string[] {
  return rawNames(directory).map((raw) => {
    try {
      return decoder.decode(raw);
    } catch (error) {
      // Deno would show it with U+FFFD in it, and find no such file.
      const shown = new TextDecoder().decode(raw);
      throw new GantryError("unimplemented", `the name of ${path}/${shown} is not UTF-8`, {
        hint: "rename it; gantry cannot copy or export files with such names",
        cause: error,
      });
    }
  }).sort();
}

async function* contentOf(file: Deno.FsFile, size: number, path: string): AsyncGenerator<Uint8Array> {
  for (let rest = size; rest > 0;) {
    // A new one each time: the archive's stream keeps it until it is written out.
    const buffer = new Uint8Array(Math.min(chunkBytes, rest));
    const length = await file.read(buffer);
    if (length === null) {
      throw new GantryError("aborted", `${path} shrank while it was copied: ${rest} of its ${size} bytes are missing`, {
        hint: "try again, or pause the container meanwhile",
      });
    }
    rest -= length;
    yield buffer.subarray(0, length);
  }
}
