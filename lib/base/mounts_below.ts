import { isCode } from "./errors.ts";
import { umount, umountFlags } from "./libc_files.ts";
import { readMounts } from "./mounts.ts";

/** Mount points below a directory; the last one mounted, which is on top, comes first. */
export async function mountsBelow(directory: string): Promise<readonly string[]> {
  const all = (await readMounts()).map(({ mountPoint }) => mountPoint);
  return all.filter((path) => path.startsWith(`${directory}/`)).reverse();
}

/** Unmounts all of them: nothing that is removed afterwards is somebody's data. */
export async function unmountBelow(directory: string): Promise<void> {
  for (const path of await mountsBelow(directory)) unmount(path);
}

/** Unmounts what is on top of a path, in use or not; nothing mounted there is fine. */
export function unmount(path: string): void {
  try {
    umount(path, umountFlags.detach | umountFlags.noFollow);
  } catch (error) {
    // EINVAL: unmounted meanwhile.
    if (!isCode(error, "invalid_argument") && !isCode(error, "not_found")) throw error;
  }
}
