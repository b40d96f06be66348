import { systemError } from "../base/errno.ts";
import { isCode } from "../base/errors.ts";
import { umount, umountFlags } from "../base/libc_files.ts";
import { type MountInfo, readMounts } from "../base/mounts.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import type { ContainerPlan } from "./container_plan.ts";
import { encodeRecordFile } from "./record_file.ts";

/** Makes the directories and files a container needs on disk before its task is made. */
export async function makeFiles(plan: ContainerPlan): Promise<void> {
  const { paths } = plan;
  try {
    if (plan.rootfs.length > 0) {
      await Deno.mkdir(paths.overlayUpper, { recursive: true, mode: 0o700 });
      await Deno.mkdir(paths.overlayWork, { recursive: true, mode: 0o700 });
      // The upper directory becomes the container's `/`: whoever runs in it must be able to enter.
      await Deno.chmod(paths.overlayUpper, 0o755);
    }
    writeDataFiles(plan);
  } catch (error) {
    throw systemError(error, `make the files of the container in ${paths.data}`);
  }
}

/** Synchronous: a few small files in the page cache, on the way of every `run`. */
function writeDataFiles({ paths, runtime, labels, files, detached, log }: ContainerPlan): void {
  Deno.mkdirSync(paths.data, { recursive: true, mode: 0o700 });
  writePrivate(paths.recordFile, encodeRecordFile({ runtime, labels }));
  for (const { name, content, mode } of files) {
    const path = `${paths.data}/${name}`;
    writePrivate(path, content);
    // Read by whoever runs in the container, whatever our umask is.
    Deno.chmodSync(path, mode);
  }
  if (!detached || log === "none") return;
  // The shim appends to them; it does not make them.
  for (const path of [paths.stdoutLog, paths.stderrLog]) writePrivate(path, "");
}

function writePrivate(path: string, content: string): void {
  Deno.writeTextFileSync(path, content, { createNew: true, mode: 0o600 });
}

/** Removes all that gantry keeps of a container on disk. What is mounted below is unmounted first, never deleted. */
export async function removeFiles(instance: InstancePaths, namespace: string, id: string): Promise<void> {
  const { data, run } = containerPaths(instance, namespace, id);
  let mounts: readonly MountInfo[] | undefined;
  for (const directory of [run, data]) {
    try {
      await Deno.lstat(directory);
      mounts ??= await readMounts();
      unmountBelow(directory, mounts);
      await Deno.remove(directory, { recursive: true });
    } catch (error) {
      // Never there, for it could not be made, or removed by somebody else this moment.
      const isMissing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
      if (!isMissing) throw systemError(error, `remove ${directory}`);
    }
  }
}

/** Unmounts all that is mounted below a directory, of these mounts. */
export function unmountBelow(directory: string, mounts: readonly MountInfo[]): void {
  const below = mounts.filter(({ mountPoint }) => mountPoint.startsWith(`${directory}/`));
  // The last one mounted is on top.
  for (const { mountPoint } of below.reverse()) {
    try {
      umount(mountPoint, umountFlags.detach | umountFlags.noFollow);
    } catch (error) {
      // EINVAL: unmounted meanwhile.
      if (!isCode(error, "invalid_argument") && !isCode(error, "not_found")) throw error;
    }
  }
}
