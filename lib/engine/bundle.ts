import { readStat } from "../base/proc.ts";

/**
 * The bundle of a task, from the pid of its process: its parent is the shim, whose working directory is the bundle. That
 * is so for every containerd, wherever its state directory is, and needs no call. Undefined when the process has gone.
 */
export function bundleOf(pid: number): string | undefined {
  const shim = readStat(pid)?.parent;
  if (shim === undefined || shim <= 1) return undefined;
  try {
    return Deno.readLinkSync(`/proc/${shim}/cwd`);
  } catch {
    return undefined;
  }
}
