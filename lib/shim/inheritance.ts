import { closeOnExecFrom, openFlags } from "../base/libc_files.ts";

/**
 * Sees to it that no child inherits a descriptor but 0 to 2. Deno opens its own close-on-exec, but hands on what it
 * inherited itself: a shim would hold the pipes of a $(…) open for life. Looks first, for the C library takes 4 ms to load.
 */
export function stopInheritance(): void {
  if (hasInheritable()) closeOnExecFrom(3);
}

function hasInheritable(): boolean {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    if (Number(name) > 2 && !isCloseOnExec(name)) return true;
  }
  return false;
}

/** By the flags that the kernel shows, in octal (proc_pid_fdinfo(5)). */
function isCloseOnExec(fd: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))?.[1];
    return (Number.parseInt(flags ?? "0", 8) & openFlags.closeOnExec) !== 0;
  } catch {
    // The descriptor of the listing itself, or one closed since.
    return true;
  }
}
