import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";
import { openFlags } from "../../base/libc_files.ts";
import { Descriptor, openBelow, openPlace, placeFlags, resolveFlags } from "./file_calls.ts";
import { walkBelow } from "./tree_walk.ts";

/**
 * Where paths are resolved. `inside`: the root is `/` for every path and link, as for a process that lives there; nothing
 * leads out. `refuse`: the same, and a symbolic link on the way is an error. `host`: as the kernel resolves for us.
 */
export type Resolution = "inside" | "refuse" | "host";

/** A directory and a name in it. The name is `.` for the directory itself. */
export interface Place extends Disposable {
  readonly directory: Descriptor;
  readonly name: string;
  /** The path that was asked for, for messages. */
  readonly path: string;
}

/** Options of {@link openTree}. */
export interface TreeOptions {
  /** Default `inside`. */
  readonly resolution?: Resolution | undefined;
  /** False does without openat2(2), as on Linux before 5.6. Default: used when the kernel has it. */
  readonly openat2?: boolean | undefined;
}

/** Links followed before a path counts as endless; the kernel's own limit. */
const mostLinks = 40;

/** A directory tree that paths are resolved in, e.g. the root filesystem of a container, running or not. */
export class Tree implements Disposable {
  /** The path of the root on the host, for messages. */
  readonly root: string;
  readonly resolution: Resolution;
  readonly #descriptor: Descriptor;
  readonly #openat2: boolean;

  /** Takes over `descriptor`, an open directory. */
  constructor(root: string, descriptor: Descriptor, options: TreeOptions = {}) {
    this.root = root;
    this.#descriptor = descriptor;
    this.resolution = options.resolution ?? "inside";
    this.#openat2 = options.openat2 ?? true;
  }

  /** The same root with another {@link Resolution}; both must be disposed. */
  with(resolution: Resolution): Tree {
    const again = openPlace(".", placeFlags.path | placeFlags.directory, this.#descriptor);
    return new Tree(this.root, again, { resolution, openat2: this.#openat2 });
  }

  /** Opens a directory (by descriptor only, see `placeFlags.path`). `not_found` when there is none. */
  directory(path: string): Descriptor {
    const flags = placeFlags.path | placeFlags.directory;
    if (this.resolution === "host") return openPlace(path.startsWith("/") ? path : `${this.root}/${path}`, flags);
    const followed = this.resolution === "inside";
    const relative = path.replace(/^\/+/, "");
    const resolve = resolveFlags.noMagicLinks | resolveFlags.inRoot | (followed ? 0 : resolveFlags.noSymlinks);
    try {
      const found = this.#openat2 ? openBelow(this.#descriptor, relative, { flags, resolve }) : undefined;
      return found ?? walkBelow(this.#descriptor, relative, { followed });
    } catch (error) {
      throw this.#resolved(error, path);
    }
  }

  /** The directory that `path` is in and its last name, which need not exist. `not_found` when the directory is not there. */
  place(path: string): Place {
    const trimmed = path.replace(/\/+$/, "");
    const slash = trimmed.lastIndexOf("/");
    const name = trimmed.slice(slash + 1);
    const isDots = name === "" || name === "." || name === "..";
    const directory = isDots ? this.directory(path) : this.directory(slash < 0 ? "." : trimmed.slice(0, slash) || "/");
    return { directory, name: isDots ? "." : name, path, [Symbol.dispose]: () => directory[Symbol.dispose]() };
  }

  /** {@link place} of what `path` leads to when it is a symbolic link; the place where a dangling one points to. */
  async follow(path: string): Promise<Place> {
    let current = path;
    for (let links = 0; links < mostLinks; links++) {
      const place = this.place(current);
      let target: string | undefined;
      try {
        target = await readLink(place);
      } catch (error) {
        place[Symbol.dispose]();
        throw error;
      }
      if (target === undefined) return place;
      place[Symbol.dispose]();
      // Not made shorter by hand: `a/..` is another directory when `a` is a link.
      current = target.startsWith("/") ? target : `${current.replace(/\/*[^/]*\/*$/, "") || "."}/${target}`;
      if (path.startsWith("/") && !current.startsWith("/")) current = `/${current}`;
    }
    throw new GantryError("failed_precondition", `${path} goes through more than ${mostLinks} symbolic links`);
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]();
  }

  #resolved(error: unknown, path: string): unknown {
    if (error instanceof GantryError && error.message.endsWith("ELOOP")) {
      const why = this.resolution === "refuse"
        ? "goes through a symbolic link"
        : "goes through too many symbolic links";
      return new GantryError("failed_precondition", `${path} ${why}`, { cause: error });
    }
    return error;
  }
}

/** Opens the tree below the host's directory `root`, whose own path is trusted. `not_found` when it is no directory. */
export function openTree(root: string, options: TreeOptions = {}): Tree {
  return new Tree(root, openPlace(root, placeFlags.path | placeFlags.directory), options);
}

/** What is at a place, without following a link; undefined when there is nothing. */
export async function statPlace(place: Place): Promise<Deno.FileInfo | undefined> {
  try {
    // Asynchronous, unlike the other calls on metadata: once for each entry the event loop must get its turn.
    return await Deno.lstat(place.directory.entry(place.name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw systemError(error, `look at ${place.path}`);
  }
}

/** Opens the very file at a place, never a link's target, without waking a driver; Deno reads it by the `path`. */
export function openFile(place: Place): Descriptor {
  return openPlace(place.name, placeFlags.path | placeFlags.noFollow, place.directory);
}

/** Opens the directory at a place so that it can be listed; a symbolic link is none. */
export function openDirectory(place: Place): Descriptor {
  return openPlace(place.name, openFlags.readOnly | placeFlags.directory | placeFlags.noFollow, place.directory);
}

async function readLink(place: Place): Promise<string | undefined> {
  const info = await statPlace(place);
  if (!info?.isSymlink) return undefined;
  try {
    return await Deno.readLink(place.directory.entry(place.name));
  } catch (error) {
    throw systemError(error, `read the link ${place.path}`);
  }
}
