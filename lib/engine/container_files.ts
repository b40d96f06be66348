import { systemError } from "../base/errno.ts";
import { unmountBelow } from "../base/mounts_below.ts";
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
  for (const directory of [run, data]) {
    try {
      await Deno.lstat(directory);
      await unmountBelow(directory);
      await Deno.remove(directory, { recursive: true });
    } catch (error) {
      // Never there, for it could not be made, or removed by somebody else this moment.
      const isMissing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
      if (!isMissing) throw systemError(error, `remove ${directory}`);
    }
  }
}
