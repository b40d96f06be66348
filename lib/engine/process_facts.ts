import { errnoOf, systemError } from "../base/errno.ts";
import { parseStat } from "../base/proc_stat.ts";

/** A process as /proc shows it. Times in milliseconds, sizes in bytes. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Effective user id, as the host counts. */
  readonly uid: number;
  /** Name of the program, at most 15 bytes. */
  readonly command: string;
  /** argv; empty for a zombie and for threads of the kernel. */
  readonly args: readonly string[];
  /** Letters as in ps(1): the state, then N, <, L, s, l and + for what it is beside. */
  readonly state: string;
  /** E.g. `pts/0`; undefined without a terminal. */
  readonly terminal: string | undefined;
  /** Time since it was started. */
  readonly elapsedMs: number;
  /** CPU time it has used. */
  readonly cpuMs: number;
  /** Resident memory. */
  readonly residentBytes: number;
  /** Address space. */
  readonly virtualBytes: number;
  /** Its pid in the innermost namespace, i.e. in the container. */
  readonly innerPid: number;
}

/** USER_HZ: 100 on every architecture Deno runs on. */
const msPerTick = 10;

/** Time since the host booted in milliseconds, the clock that start times of processes are counted by. */
export function uptimeMs(): number {
  const text = readIfThere("/proc/uptime") ?? "";
  return Number.parseFloat(text) * 1000;
}

/** A process now; undefined when there is none. `uptime` is {@link uptimeMs}. */
export function readProcess(pid: number, uptime: number): ProcessFacts | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  // Synchronous: asynchronous reads starve when FIFOs hold Deno's 32 blocking threads.
  const stat = readIfThere(`/proc/${pid}/stat`);
  const status = readIfThere(`/proc/${pid}/status`);
  const cmdline = readIfThere(`/proc/${pid}/cmdline`);
  if (stat === undefined || status === undefined || cmdline === undefined) return undefined;
  return parseProcess({ stat, status, cmdline }, uptime);
}

/** Puts together the texts of /proc/PID/stat, status and cmdline. `data_loss` for a stat that is none. */
export function parseProcess(
  { stat, status, cmdline }: { readonly stat: string; readonly status: string; readonly cmdline: string },
  uptime: number,
): ProcessFacts {
  const basics = parseStat(stat);
  // Counted from the state, which is field 3 of proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).trim().split(" ").map(Number);
  const field = (number: number): number => fields[number - 3] ?? 0;
  return {
    pid: basics.pid,
    parent: basics.parent,
    uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? 0),
    command: basics.command,
    args: argumentsOf(cmdline),
    state: stateOf(basics.state, {
      nice: field(19),
      isLocked: Number(/^VmLck:\s+(\d+)/m.exec(status)?.[1] ?? 0) > 0,
      isLeader: field(6) === basics.pid,
      threads: basics.threads,
      isForeground: field(8) > 0 && field(8) === field(5),
    }),
    terminal: terminalOf(field(7)),
    elapsedMs: Math.max(0, uptime - Number(basics.startTime) * msPerTick),
    cpuMs: (field(14) + field(15)) * msPerTick,
    residentBytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024,
    virtualBytes: field(23),
    innerPid: Number(/^NSpid:.*?(\d+)\s*$/m.exec(status)?.[1] ?? basics.pid),
  };
}

/** A process may write over its arguments (setproctitle(3)) and leave NULs, or none, at their end. */
function argumentsOf(cmdline: string): readonly string[] {
  const text = cmdline.replace(/\0+$/, "");
  return text === "" ? [] : text.split("\0");
}

interface StateMarks {
  readonly nice: number;
  readonly isLocked: boolean;
  readonly isLeader: boolean;
  readonly threads: number;
  readonly isForeground: boolean;
}

function stateOf(letter: string, { nice, isLocked, isLeader, threads, isForeground }: StateMarks): string {
  return [
    letter,
    nice < 0 ? "<" : nice > 0 ? "N" : "",
    isLocked ? "L" : "",
    isLeader ? "s" : "",
    threads > 1 ? "l" : "",
    isForeground ? "+" : "",
  ].join("");
}

/** The name of a terminal by its device number (Documentation/admin-guide/devices.txt of Linux). */
function terminalOf(device: number): string | undefined {
  const major = device >>> 8 & 0xfff;
  const minor = device & 0xff | device >>> 12 & 0xfff00;
  if (major >= 136 && major <= 143) return `pts/${(major - 136 << 20) + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  if (major === 5 && minor === 1) return "console";
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // ENOENT at open, ESRCH when it ends between open and read.
    if (error instanceof Deno.errors.NotFound || errnoOf(error) === "ESRCH") return undefined;
    throw systemError(error, `read ${path}`);
  }
}
