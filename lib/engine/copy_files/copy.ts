import { pack, type PackReport } from "../archive/pack.ts";
import { readTar } from "../archive/tar_reader.ts";
import { uncompress } from "../archive/compression.ts";
import { writeTar } from "../archive/tar_writer.ts";
import { openTree, type Tree } from "../archive/tree.ts";
import { unpack, type UnpackOptions, type UnpackReport } from "../archive/unpack.ts";
import { type CopyPlace, lookAtDestination, lookAtSource, placeOfSource } from "./copy_place.ts";
import { type CopyPlan, planCopy, planUnpack } from "./copy_plan.ts";

/** Options of a copy. */
export interface CopyOptions {
  /** A source that is a symbolic link stands for what it leads to (`-L`). Default false. */
  readonly followLink?: boolean | undefined;
  /** Owners are copied too (`-a`); otherwise files belong to the container's root or to this user. Default false. */
  readonly archive?: boolean | undefined;
  /** Ends the copy early by rejecting; files that are whole stay. */
  readonly signal?: AbortSignal | undefined;
}

/** What was copied. */
export interface CopyReport extends UnpackReport {
  /** Paths of sockets, which are not copied. */
  readonly skipped: readonly string[];
}

/**
 * Copies a file or directory by `docker cp`'s rules: modes and times are kept, links are copied as links, existing files
 * are replaced whole, directories merged. Paths of a container are resolved inside its root whatever it does meanwhile.
 */
export async function copyFiles(from: CopyPlace, to: CopyPlace, options: CopyOptions = {}): Promise<CopyReport> {
  const source = await lookAtSource(from, options);
  const plan = planCopy(source, await lookAtDestination(to));
  let packed: PackReport | undefined;
  const tar = packSource(from, plan.as, { ...options, onPacked: (report) => packed = report });
  const report = await unpackAt(to, plan, tar, options);
  return { ...report, skipped: packed?.skipped ?? [] };
}

/** A tar of the source for somebody else to unpack (`-`): under its own name, or its content when it ends with `/.`. */
export async function copyOut(from: CopyPlace, options: CopyOptions = {}): Promise<ReadableStream<Uint8Array>> {
  const source = await lookAtSource(from, options);
  // The same rules as for a directory that is there.
  const { as } = planCopy(source, {
    label: "-",
    path: { path: "/", name: "", directory: true, contents: false },
    kind: "directory",
    resolved: "/",
    parentExists: true,
  });
  return packSource(from, as, options);
}

/** Unpacks a tar, compressed or not, into an existing directory (`-`). */
export async function copyIn(
  tar: ReadableStream<Uint8Array>,
  to: CopyPlace,
  options: CopyOptions = {},
): Promise<UnpackReport> {
  const plan = planUnpack(await lookAtDestination(to));
  return await unpackAt(to, plan, await uncompress(tar), options);
}

/** Options of {@link packSource}. */
export interface PackSourceOptions extends CopyOptions {
  /** Called when everything has been packed. */
  readonly onPacked?: ((report: PackReport) => void) | undefined;
}

/** The source as a tar whose top entry is `as`; see {@link CopyPlan}. For the side that only reads. */
export function packSource(from: CopyPlace, as: string, options: PackSourceOptions = {}): ReadableStream<Uint8Array> {
  const { signal, onPacked } = options;
  return writeTar(async (writer) => {
    using place = await placeOfSource(from, options);
    const report = await pack(writer, place, { as, signal });
    onPacked?.(report);
  }, { signal });
}

/** Unpacks what {@link packSource} made. For the side that only writes. */
export async function unpackAt(
  to: CopyPlace,
  plan: CopyPlan,
  tar: ReadableStream<Uint8Array>,
  options: CopyOptions = {},
): Promise<UnpackReport> {
  const { archive = false, signal } = options;
  const mine: UnpackOptions["owners"] = to.side === "host" ? "mine" : { uid: 0, gid: 0 };
  const owners = archive ? "archive" : mine;
  using target = targetOf(to, plan);
  const { tree, ...where } = target;
  return await unpack(readTar(tar, { signal }), tree, { ...where, owners, signal });
}

interface Target extends Disposable {
  readonly tree: Tree;
  readonly directory: string;
  readonly label: string;
}

/**
 * On the host no link below the destination is followed: what a container had as a directory yesterday and as a link today
 * must not decide where files of the host go. In a container links lead to places in it, as for its own programs.
 */
function targetOf(to: CopyPlace, plan: CopyPlan): Target {
  const { directory } = plan;
  if (to.side === "container") {
    return { tree: to.tree, directory, label: `${to.container}:${directory}`, [Symbol.dispose]: () => {} };
  }
  const tree = openTree(directory, { resolution: "refuse" });
  return { tree, directory: "/", label: directory, [Symbol.dispose]: () => tree[Symbol.dispose]() };
}
