/** Who has which file open, from /proc/PID/fd. Synchronous, as all reads of /proc are here: the kernel answers at once. */

const deletedSuffix = " (deleted)";

/** True while the process has one of these files open, also when it has been deleted meanwhile. Absolute paths. */
export function hasOpen(pid: number, paths: readonly string[]): boolean {
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      const path = linkOf(`/proc/${pid}/fd/${name}`);
      if (path !== undefined && paths.includes(path)) return true;
    }
  } catch {
    // It has ended, or may not be looked at.
  }
  return false;
}

/** Pids of all processes that have a file open, as far as this process may look. Takes milliseconds. */
export function pidsWithOpen(path: string): readonly number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (/^[0-9]+$/.test(name) && hasOpen(Number(name), [path])) found.push(Number(name));
  }
  return found;
}

function linkOf(path: string): string | undefined {
  try {
    const target = Deno.readLinkSync(path);
    return target.endsWith(deletedSuffix) ? target.slice(0, -deletedSuffix.length) : target;
  } catch {
    // Closed between the listing and here.
    return undefined;
  }
}
