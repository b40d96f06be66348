import { GantryError } from "../../base/errors.ts";
import { openFlags } from "../../base/libc_files.ts";
import { changeOwner, type Descriptor, makeNode, openPlace, placeFlags, setTimes, setTimesOf } from "./file_calls.ts";
import type { EntryType } from "./tar_entry.ts";
import type { ReceivedEntry } from "./tar_reader.ts";
import type { Place } from "./tree.ts";
import { writeXattrs } from "./xattrs.ts";

/** How entries become files. */
export interface Attributes {
  /** `archive`: as the entry says; `mine`: the user of this process; or one for all. */
  readonly owners: "archive" | "mine" | { readonly uid: number; readonly gid: number };
  /** Fixed permissions; extended attributes are then left out. */
  readonly modes?: { readonly file: number; readonly directory: number } | undefined;
  /** Files are written through to the disk. */
  readonly sync: boolean;
}

/** Options of {@link makeEntry}. */
export interface MakeOptions extends Attributes {
  /** Of a `link`: the file that gets another name. */
  readonly linked?: Place | undefined;
}

const formats: Readonly<Partial<Record<EntryType, number>>> = {
  "fifo": 0o010000,
  "character-device": 0o020000,
  "block-device": 0o060000,
};

/**
 * Makes a file, link or device with its content and attributes at a place where there is nothing (`already_exists`
 * otherwise). When it fails, nothing is there. Gives the names of extended attributes that could not be set.
 */
export async function makeEntry(place: Place, entry: ReceivedEntry, options: MakeOptions): Promise<readonly string[]> {
  const { directory, name } = place;
  if (entry.type === "file") return await makeFile(place, entry, options);
  if (entry.type === "link") {
    const { linked } = options;
    if (linked === undefined) throw new TypeError("a link needs the file it links to");
    Deno.linkSync(linked.directory.entry(linked.name), directory.entry(name));
    return [];
  }
  if (entry.type === "symlink") Deno.symlinkSync(entry.linkname, directory.entry(name));
  else makeNode(directory, name, { mode: (formats[entry.type] ?? 0) | 0o600, device: deviceOf(entry) });
  try {
    const { owners } = options;
    if (owners !== "mine") changeOwner(directory, name, owners === "archive" ? entry : owners);
    if (entry.type !== "symlink") {
      // By descriptor: the name may be a link to elsewhere by now.
      using open = openPlace(name, placeFlags.path | placeFlags.noFollow, directory);
      Deno.chmodSync(open.path, entry.mode);
    }
    setTimes(directory, name, entry.mtimeMs);
    return [];
  } catch (error) {
    await removeQuietly(place);
    throw error;
  }
}

/** Gives what is open the owner, mode, attributes and times of an entry. Gives the names of attributes that cannot be set. */
export function applyTo(
  open: Descriptor,
  entry: ReceivedEntry,
  attributes: Attributes,
): readonly string[] {
  const { owners, modes } = attributes;
  if (owners !== "mine") {
    const { uid, gid } = owners === "archive" ? entry : owners;
    // Before the mode and the capabilities, which the kernel takes away when the owner changes.
    Deno.chownSync(open.path, uid, gid);
  }
  const mode = entry.type === "directory" ? modes?.directory : modes?.file;
  Deno.chmodSync(open.path, mode ?? entry.mode);
  const refused = modes === undefined ? writeXattrs(open, entry.xattrs) : [];
  setTimesOf(open, entry.mtimeMs);
  return refused;
}

/** Removes what a failed attempt made; the failure is what counts. */
export async function removeQuietly(place: Place): Promise<void> {
  await Deno.remove(place.directory.entry(place.name)).catch(() => {});
}

async function makeFile(place: Place, entry: ReceivedEntry, options: MakeOptions): Promise<readonly string[]> {
  const flags = openFlags.writeOnly | openFlags.create | openFlags.exclusive | placeFlags.noFollow;
  using open = openPlace(place.name, flags, place.directory);
  try {
    using file = Deno.openSync(open.path, { write: true });
    await writeBody(file, entry);
    const refused = applyTo(open, entry, options);
    if (options.sync) await file.sync();
    return refused;
  } catch (error) {
    await removeQuietly(place);
    throw error;
  }
}

async function writeBody(file: Deno.FsFile, entry: ReceivedEntry): Promise<void> {
  let written = 0;
  for await (const bytes of entry.body) {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    written += bytes.length;
  }
  if (written === entry.size) return;
  throw new GantryError("data_loss", `the archive has ${written} of the ${entry.size} bytes of ${entry.name}`);
}

/** The kernel's own encoding (new_encode_dev). */
function deviceOf(entry: ReceivedEntry): number {
  const { major, minor } = entry.device ?? { major: 0, minor: 0 };
  if (major > 0xfff || minor > 0xf_ffff) {
    throw new GantryError("invalid_argument", `${entry.name}: there is no device ${major}:${minor}`);
  }
  return (((minor & 0xfff00) << 12) | (major << 8) | (minor & 0xff)) >>> 0;
}
