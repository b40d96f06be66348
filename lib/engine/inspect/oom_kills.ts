/**
 * Processes of a container that the kernel has killed for want of memory, from its cgroup: it stays until the task is
 * deleted, so this is known also when the container has ended. Undefined when it is not counted, or the cgroup is gone;
 * `path` is that of the spec, and one that systemd makes (`SLICE:PREFIX:NAME`) is not looked for.
 */
export function readOomKills(path: string): number | undefined {
  if (!path.startsWith("/") || path.split("/").includes("..")) return undefined;
  const events = read(`/sys/fs/cgroup/memory${path}/memory.oom_control`) ?? read(`/sys/fs/cgroup${path}/memory.events`);
  const count = /^oom_kill (\d+)$/m.exec(events ?? "")?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Synchronous, as all reads of what the kernel answers at once. */
function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
