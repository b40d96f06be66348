import { GantryError, isCode } from "../../base/errors.ts";
import { type ProcessIdentity, readIdentity } from "../../base/proc.ts";
import { openTree, Tree } from "../archive/tree.ts";
import { detachedOverlay, type OverlayLayers } from "./detached_overlay.ts";

/** Where a container's files are. */
export type ContainerRoot =
  /** A running or paused one: its own view, with its volumes and tmpfs. */
  | { readonly kind: "process"; readonly process: Pick<ProcessIdentity, "pid" | "startTime"> }
  /** One whose root filesystem is a directory, or is mounted at one (the bundle's `rootfs`). */
  | { readonly kind: "directory"; readonly path: string }
  /** One whose overlay is mounted nowhere: it has no task. */
  | { readonly kind: "overlay"; readonly layers: OverlayLayers };

/** Opens a container's root filesystem; to be disposed. `failed_precondition` when its process has just ended. */
export async function openContainerRoot(root: ContainerRoot): Promise<Tree> {
  if (root.kind === "directory") return openTree(root.path);
  if (root.kind === "overlay") return new Tree(root.layers.upper, detachedOverlay(root.layers));
  const { process } = root;
  let tree: Tree;
  try {
    tree = openTree(`/proc/${process.pid}/root`);
  } catch (error) {
    throw isCode(error, "not_found") ? ended(process, error) : error;
  }
  // Only now: the open root stays with the process it was taken from, whoever has the pid later.
  // Not the program: pid 1 of a container may have executed another one.
  if ((await readIdentity(process.pid))?.startTime === process.startTime) return tree;
  tree[Symbol.dispose]();
  throw ended(process);
}

function ended(process: Pick<ProcessIdentity, "pid">, cause?: unknown): GantryError {
  return new GantryError("failed_precondition", `the container's process ${process.pid} has just ended`, {
    hint: "try again",
    cause,
  });
}
