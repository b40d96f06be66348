import { GantryError, isCode } from "../../base/errors.ts";
import { openTree, type Place, statPlace, type Tree } from "../archive/tree.ts";
import { type CopyPath, parseCopyPath } from "./copy_path.ts";
import type { CopyDestination, CopySource } from "./copy_plan.ts";

/** A path somewhere: on the host, or in a container. */
export interface CopyPlace extends Disposable {
  /** The root that paths are resolved in. */
  readonly tree: Tree;
  /** The path and what its end says. */
  readonly path: CopyPath;
  /** As the user wrote it, for messages: `web:/etc/`, `./x`. */
  readonly label: string;
  /** Whose files they are: new ones belong to the container's root, or to the user of this process. */
  readonly side: "container" | "host";
  /** The container's name as the user wrote it; empty for the host. */
  readonly container: string;
}

/** Options of {@link lookAtSource}. */
export interface SourceOptions {
  /** A symbolic link stands for what it leads to; default: for itself. */
  readonly followLink?: boolean | undefined;
}

/** A path of the host. `directory` is what relative ones start from: absolute. */
export function hostPlace(path: string, directory: string): CopyPlace {
  const tree = openTree("/", { resolution: "host" });
  const absolute = path.startsWith("/") ? path : `${directory}/${path}`;
  return {
    container: "",
    tree,
    path: parseCopyPath(absolute),
    label: path,
    side: "host",
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}

/** A path in a container whose root is `tree`; relative ones start from its `/`. The tree is the place's from now on. */
export function containerPlace(tree: Tree, path: string, container: string): CopyPlace {
  return {
    tree,
    path: parseCopyPath(path.startsWith("/") ? path : `/${path}`),
    label: `${container}:${path}`,
    container,
    side: "container",
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}

/** What a copy starts from. `not_found` when there is nothing. */
export async function lookAtSource(from: CopyPlace, options: SourceOptions = {}): Promise<CopySource> {
  using place = await placeOfSource(from, options);
  const info = await statPlace(place);
  if (info === undefined) throw noSuchFile(from);
  return { label: from.label, path: from.path, kind: info.isDirectory ? "directory" : "file" };
}

/** Opens where the source is; what it is follows from `path` and `followLink`. */
export async function placeOfSource(from: CopyPlace, options: SourceOptions): Promise<Place> {
  const { path, directory } = from.path;
  try {
    // `link/` and `link/.` mean the directory, whatever the options.
    return options.followLink || directory ? await from.tree.follow(path) : from.tree.place(path);
  } catch (error) {
    throw isCode(error, "not_found") ? noSuchFile(from, error) : error;
  }
}

/** What a copy goes to; links are followed, as docker does. */
export async function lookAtDestination(to: CopyPlace): Promise<CopyDestination> {
  const { label, path } = to;
  let place: Place;
  try {
    place = await to.tree.follow(path.path);
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
    return { label, path, kind: "missing", resolved: path.path, parentExists: false };
  }
  using open = place;
  const info = await statPlace(open);
  const kind = info === undefined ? "missing" : info.isDirectory ? "directory" : "file";
  return { label, path, kind, resolved: open.path, parentExists: true };
}

function noSuchFile(from: CopyPlace, cause?: unknown): GantryError {
  return new GantryError("not_found", `there is no ${from.label}`, { cause });
}
