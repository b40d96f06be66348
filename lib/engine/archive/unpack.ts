import { errnoOf, systemError } from "../../base/errno.ts";
import { GantryError, isCode } from "../../base/errors.ts";
import { baseOf, parentOf, refusedEntry } from "./entry_name.ts";
import { type Descriptor, openPlace, placeFlags } from "./file_calls.ts";
import { applyTo, type Attributes, makeEntry, removeQuietly } from "./make_entry.ts";
import type { ReceivedEntry } from "./tar_reader.ts";
import { openFile, type Place, statPlace, type Tree } from "./tree.ts";

/** Options of {@link unpack}. */
export interface UnpackOptions {
  /** The directory below the tree's root that entries go to; it must exist. Default: the root. */
  readonly directory?: string | undefined;
  /** What messages put before an entry's path. Default: where the directory is on the host. */
  readonly label?: string | undefined;
  /** Default `archive`: as the entries say. `mine` leaves everything to the user of this process. */
  readonly owners?: Attributes["owners"] | undefined;
  /** Fixed permissions, whatever the entries say. */
  readonly modes?: Attributes["modes"] | undefined;
  /** Device nodes are made; false refuses them and FIFOs. Default true. */
  readonly devices?: boolean | undefined;
  /** The entry of the directory itself (`.`) sets its mode, owner and time. Default false. */
  readonly top?: boolean | undefined;
  /** Writes everything through to the disk before it counts. Default false. */
  readonly sync?: boolean | undefined;
  /** Gives a directory its attributes that an entry needs and the archive does not have. Default: 0755 and the owner. */
  readonly parent?: ((path: string, made: Descriptor) => void | Promise<void>) | undefined;
  /** Ends the unpacking early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** What was unpacked. */
export interface UnpackReport {
  /** Number of entries. */
  readonly entries: number;
  /** Bytes of files. */
  readonly bytes: number;
  /** What could not be done as the archive says, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Writes entries below a directory of `tree`. Nothing above the tree's root is reached, whatever the entries and whatever
 * somebody else does to the tree meanwhile: each is made in an open directory, by name, and never through a link.
 * Existing files are replaced in one step, so that each is whole, the old one or the new; directories are merged. A
 * directory is not replaced by something else, nor something else by a directory (`failed_precondition`).
 */
export async function unpack(
  entries: AsyncIterable<ReceivedEntry>,
  tree: Tree,
  options: UnpackOptions = {},
): Promise<UnpackReport> {
  using unpacking = new Unpacking(tree, options);
  for await (const entry of entries) await unpacking.add(entry);
  return await unpacking.finish();
}

class Unpacking implements Disposable {
  readonly #tree: Tree;
  readonly #base: string;
  readonly #label: string;
  readonly #options: UnpackOptions;
  readonly #attributes: Attributes;
  /** Directories in the order of the archive: they get their attributes last, when nothing is made in them any more. */
  readonly #directories: ReceivedEntry[] = [];
  readonly #warnings: string[] = [];
  #parent: { readonly path: string; readonly open: Descriptor } | undefined;
  #entries = 0;
  #bytes = 0;

  constructor(tree: Tree, options: UnpackOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#base = (options.directory ?? "/").replace(/\/+$/, "");
    this.#label = (options.label ?? `${tree.root}${this.#base}`).replace(/\/+$/, "");
    const { owners = "archive", modes, sync = false } = options;
    this.#attributes = { owners, modes, sync };
    // Not there, or no directory: said before anything is made.
    this.#tree.directory(this.#at(""))[Symbol.dispose]();
  }

  async add(entry: ReceivedEntry): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const { path, type } = entry;
    if (/-device$|^fifo$/.test(type) && this.#options.devices === false) {
      throw refusedEntry(entry.name, "devices and FIFOs are not allowed here");
    }
    if (path === "" && type !== "directory") throw refusedEntry(entry.name, "it has no name");
    const place = await this.#place(path);
    try {
      if (type === "directory") await this.#addDirectory(entry, place);
      else await this.#addOther(entry, place);
    } catch (error) {
      if (this.#options.signal?.aborted || isCode(error, "data_loss") || isCode(error, "invalid_argument")) throw error;
      throw systemError(error, `write ${place.path}`);
    }
    this.#entries++;
    this.#bytes += entry.size;
  }

  async finish(): Promise<UnpackReport> {
    // Deepest first: a parent may end up without the permission to enter it.
    for (const entry of this.#directories.reverse()) {
      const place = await this.#place(entry.path);
      const flags = placeFlags.directory | placeFlags.noFollow;
      using open = openPlace(place.name, flags, place.directory);
      this.#warn(entry, applyTo(open, entry, this.#attributes));
      if (this.#attributes.sync) await syncDirectory(open);
    }
    return { entries: this.#entries, bytes: this.#bytes, warnings: this.#warnings };
  }

  [Symbol.dispose](): void {
    this.#parent?.open[Symbol.dispose]();
  }

  async #addDirectory(entry: ReceivedEntry, place: Place): Promise<void> {
    if (entry.path === "") {
      if (this.#options.top) this.#directories.push(entry);
      return;
    }
    const found = await statPlace(place);
    if (found !== undefined && !found.isDirectory) {
      throw new GantryError("failed_precondition", `cannot overwrite non-directory ${place.path} with a directory`);
    }
    if (found === undefined) await Deno.mkdir(place.directory.entry(place.name), { mode: 0o700 });
    this.#directories.push(entry);
  }

  async #addOther(entry: ReceivedEntry, place: Place): Promise<void> {
    const found = await statPlace(place);
    if (found?.isDirectory) {
      throw new GantryError("failed_precondition", `cannot overwrite directory ${place.path} with a non-directory`);
    }
    const linked = entry.type === "link" ? this.#linkTarget(entry) : undefined;
    try {
      const make = (name: string) => makeEntry({ ...place, name }, entry, { ...this.#attributes, linked });
      if (found === undefined) {
        this.#warn(entry, await make(place.name));
        return;
      }
      const temporary: Place = { ...place, name: `.gantry-${crypto.getRandomValues(new Uint8Array(8)).toHex()}` };
      this.#warn(entry, await make(temporary.name));
      await replace(temporary, place).catch(async (error: unknown) => {
        await removeQuietly(temporary);
        throw error;
      });
    } finally {
      linked?.[Symbol.dispose]();
    }
  }

  #linkTarget(entry: ReceivedEntry): Place {
    // A name of the archive, not a path in the tree: leaving the directory is refused by the same rule.
    const target = entry.linkname.replace(/^\.\//, "");
    if (target === "" || target.startsWith("/") || target.split("/").includes("..")) {
      throw refusedEntry(entry.name, `it is a link to ${JSON.stringify(entry.linkname)}, outside the directory`);
    }
    try {
      return this.#tree.place(this.#at(target));
    } catch (error) {
      if (!isCode(error, "not_found")) throw error;
      throw refusedEntry(entry.name, `it is a link to ${JSON.stringify(entry.linkname)}, which is not there`, error);
    }
  }

  #warn(entry: ReceivedEntry, refused: readonly string[]): void {
    for (const name of refused) this.#warnings.push(`${entry.path}: the extended attribute ${name} cannot be set here`);
  }

  /** The open directory an entry goes to, and its name there. The last directory stays open: entries come in order. */
  async #place(path: string): Promise<Place> {
    const parent = parentOf(path);
    if (this.#parent?.path !== parent) {
      const open = await this.#openDirectory(parent);
      this.#parent?.open[Symbol.dispose]();
      this.#parent = { path: parent, open };
    }
    return {
      directory: this.#parent.open,
      name: path === "" ? "." : baseOf(path),
      path: `${this.#label}/${path}`,
      [Symbol.dispose]: () => {},
    };
  }

  /** Opens a directory of the archive, and makes it and those above it when they are not there. */
  async #openDirectory(path: string): Promise<Descriptor> {
    try {
      return this.#tree.directory(this.#at(path));
    } catch (error) {
      if (path === "" || !isCode(error, "not_found")) throw error;
    }
    using above = await this.#openDirectory(parentOf(path));
    const name = baseOf(path);
    await Deno.mkdir(above.entry(name), { mode: 0o700 }).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw systemError(error, `create ${this.#label}/${path}`);
    });
    const open = openPlace(name, placeFlags.path | placeFlags.directory | placeFlags.noFollow, above);
    const { owners, modes } = this.#attributes;
    if (typeof owners === "object") await Deno.chown(open.path, owners.uid, owners.gid);
    await Deno.chmod(open.path, modes?.directory ?? 0o755);
    await this.#options.parent?.(path, open);
    return open;
  }

  #at(path: string): string {
    return `${this.#base}/${path}`;
  }
}

/** Gives the thing at `from` the name of what is at `to`, in one step. */
async function replace(from: Place, to: Place): Promise<void> {
  try {
    await Deno.rename(from.directory.entry(from.name), to.directory.entry(to.name));
  } catch (error) {
    // A mount point has no name to give away, such as a container's /etc/hosts: its content is replaced.
    if (errnoOf(error) !== "EBUSY") throw error;
    await overwrite(from, to);
    await removeQuietly(from);
  }
}

async function overwrite(from: Place, to: Place): Promise<void> {
  using target = openFile(to);
  if (!(await Deno.stat(target.path)).isFile) throw new GantryError("failed_precondition", `${to.path} is busy`);
  using source = openFile(from);
  using input = await Deno.open(source.path);
  using output = await Deno.open(target.path, { write: true, truncate: true });
  await input.readable.pipeTo(output.writable);
}

async function syncDirectory(open: Descriptor): Promise<void> {
  using handle = await Deno.open(open.path);
  await handle.sync();
}
