/** What a starting process has used and said so far; it grows while the process works. */
export interface Progress {
  /** Clock ticks of CPU, hundredths of a second. */
  readonly cpuTicks: number;
  /** Bytes read from and written to disks. */
  readonly diskBytes: number;
  /** Size of its log. */
  readonly logBytes: number;
}

/** An idle Go program ticks now and then; only more than this counts as work. */
const leastTicks = 3;

/** What `pid` has done until now; a value that cannot be read is 0. */
export function readProgress(pid: number, logPath: string): Progress {
  return { cpuTicks: cpuTicks(pid), diskBytes: diskBytes(pid), logBytes: size(logPath) };
}

/** True when `now` shows work that `before` does not. A log that shrank was rotated, which takes writing. */
export function hasAdvanced(before: Progress, now: Progress): boolean {
  return now.cpuTicks - before.cpuTicks >= leastTicks || now.diskBytes > before.diskBytes ||
    now.logBytes !== before.logBytes;
}

/** utime + stime of proc_pid_stat(5), fields 14 and 15. */
function cpuTicks(pid: number): number {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(" ");
  return (Number(fields[11]) || 0) + (Number(fields[12]) || 0);
}

function diskBytes(pid: number): number {
  const text = read(`/proc/${pid}/io`);
  const value = (name: string): number => Number(new RegExp(`^${name}: ([0-9]+)$`, "m").exec(text)?.[1] ?? 0);
  return value("read_bytes") + value("write_bytes");
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Gone, or not ours to look at.
    return "";
  }
}

function size(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    // Not made yet, or being rotated.
    return 0;
  }
}
