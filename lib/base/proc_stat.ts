import { GantryError } from "./errors.ts";

/** The fields of /proc/PID/stat that gantry reads (proc_pid_stat(5)). */
export interface ProcessStat {
  readonly pid: number;
  /** The thread's name: any bytes but NUL, at most 15, spaces and brackets too. */
  readonly command: string;
  /** One letter: R running, S sleeping, D in the disk, Z zombie, T stopped, t traced, X dead, I idle. */
  readonly state: string;
  readonly parent: number;
  /** PF_* bits of the kernel. */
  readonly flags: number;
  /** Threads that the kernel has not reaped, the dead leader of living threads included. */
  readonly threads: number;
  /** Clock ticks between boot and the start of the process. */
  readonly startTime: bigint;
}

/** Reads the text of /proc/PID/stat. What it is not is `data_loss`. */
export function parseStat(text: string): ProcessStat {
  // The name may contain spaces and brackets, so it ends at the last one.
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 1).trim().split(" ");
  const stat = {
    pid: Number(text.slice(0, Math.max(0, open)).trim() || NaN),
    command: text.slice(open + 1, close),
    state: fields[0] ?? "",
    parent: Number(fields[1] ?? NaN),
    flags: Number(fields[6] ?? NaN),
    threads: Number(fields[17] ?? NaN),
  };
  const start = fields[19] ?? "";
  const whole = [stat.pid, stat.parent, stat.flags, stat.threads].every(Number.isSafeInteger);
  if (open < 0 || close < open || !whole || !/^[A-Za-z]$/.test(stat.state) || !/^[0-9]+$/.test(start)) {
    throw new GantryError("data_loss", `not a line of /proc/PID/stat: ${JSON.stringify(text.slice(0, 200))}`);
  }
  return { ...stat, startTime: BigInt(start) };
}
