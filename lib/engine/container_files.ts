import { umount, umountFlags } from "../base/libc_files.ts";
import { readMounts } from "../base/mounts.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import type { ContainerPlan } from "./container_plan.ts";

/** Makes the directories and files a container needs on disk before its task is made. */
export async function makeFiles(plan: ContainerPlan): Promise<void> {
  const { paths } = plan;
  if (plan.rootfs.length > 0) {
    await Deno.mkdir(paths.overlayUpper, { recursive: true, mode: 0o700 });
    await Deno.mkdir(paths.overlayWork, { recursive: true, mode: 0o700 });
    // The upper directory becomes the container's `/`: whoever runs in it must be able to enter.
    await Deno.chmod(paths.overlayUpper, 0o755);
  }
  if (!plan.detached) return;
  await Deno.mkdir(paths.data, { recursive: true, mode: 0o700 });
  // The shim appends to them; it does not make them.
  for (const log of [paths.stdoutLog, paths.stderrLog]) {
    await Deno.writeFile(log, new Uint8Array(), { createNew: true, mode: 0o600 });
  }
}

/** Removes all that gantry keeps of a container on disk. What is mounted below is unmounted first, never deleted. */
export async function removeFiles(instance: InstancePaths, namespace: string, id: string): Promise<void> {
  const { data, run } = containerPaths(instance, namespace, id);
  for (const directory of [run, data]) {
    if (!await exists(directory)) continue;
    await unmountBelow(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(`${directory}/`));
  // The last one mounted is on top.
  for (const { mountPoint } of mounts.reverse()) umount(mountPoint, umountFlags.detach | umountFlags.noFollow);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
