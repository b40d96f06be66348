import { isId } from "../wire/identifier.ts";
import { isAside } from "./bundle.ts";
import type { Leak } from "./leak.ts";
import { mountsBelow, unmount } from "../base/mounts_below.ts";

/**
 * Mounts below the directory of all bundles that are in none of them, nor in what somebody makes or removes beside them.
 * Those in a bundle go with it.
 */
export async function findLeakedMounts(root: string): Promise<readonly Leak[]> {
  const mounts = (await mountsBelow(root)).filter((path) => !isInBundle(path.slice(root.length + 1)));
  return mounts.map((path) => ({
    kind: "mount",
    what: path,
    why: "it is in no bundle",
    parts: [],
    remove: () => Promise.resolve().then(() => unmount(path)),
  }));
}

/** By its path alone: there is a directory where something is mounted, and a bundle may be made at any moment. */
function isInBundle(path: string): boolean {
  const [namespace = "", name = "", ...rest] = path.split("/");
  return isId(namespace) && (isId(name) || isAside(name)) && rest.length > 0;
}
