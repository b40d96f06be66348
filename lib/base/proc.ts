import { type Clock, systemClock } from "./clock.ts";
import { errnoOf, systemError } from "./errno.ts";
import { isCode } from "./errors.ts";
import { closeFd } from "./libc_files.ts";
import { pidfdOpen, pidfdSendSignal } from "./libc_process.ts";
import { parseStat, type ProcessStat } from "./proc_stat.ts";
import { signalNumber } from "./signals.ts";

export { parseStat, type ProcessStat } from "./proc_stat.ts";

/** One process and no other: the kernel gives pids again, but never with the same start time in one boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and start: field 22 of /proc/PID/stat. */
  readonly startTime: bigint;
  /**
   * The path of the program file, without the kernel's " (deleted)" of a replaced one. Empty for kernel threads, and for
   * processes of others when this process may not look.
   */
  readonly executable: string;
}

/** Options of {@link waitForEnd}. */
export interface WaitOptions {
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /** Ends the waiting by rejecting with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const deletedSuffix = " (deleted)";
const PF_KTHREAD = 0x0020_0000;
const firstPollMs = 5;
const lastPollMs = 50;

// The reads below are synchronous: the kernel answers for /proc at once, and asynchronous ones starve when FIFOs hold
// Deno's 32 blocking threads.

/** Who `pid` is now; undefined when there is no such process, or only its zombie. */
export function readIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  return Promise.try(identify, pid);
}

/** True while the very process of `identity` is alive and still runs that program. */
export function isSame(identity: ProcessIdentity): Promise<boolean> {
  return Promise.try(isSameNow, identity);
}

/**
 * Sends a signal (`TERM`, `SIGTERM`, `15`, or `0` to ask) to the process of `identity` and to no other, even if its pid
 * has been given to another one meanwhile; false when it is gone. `permission_denied` when it may not be signalled.
 */
export function signalProcess(identity: ProcessIdentity, signal: string | number): Promise<boolean> {
  return Promise.try(() => {
    const signo = signal === 0 || signal === "0" ? 0 : signalNumber(String(signal));
    let fd: number;
    try {
      fd = pidfdOpen(identity.pid);
    } catch (error) {
      // EINVAL: a thread that is no process, or no pid at all.
      if (isCode(error, "not_found") || isCode(error, "invalid_argument")) return false;
      throw error;
    }
    try {
      // After the pidfd: what is looked at now cannot be replaced before the signal, for the pidfd stays with it.
      if (!isSameNow(identity)) return false;
      pidfdSendSignal(fd, signo);
      return true;
    } catch (error) {
      if (isCode(error, "not_found")) return false;
      throw error;
    } finally {
      closeFd(fd);
    }
  });
}

/**
 * Resolves when the process of `identity` is dead: gone, or a zombie with no thread left, so that its files and sockets
 * are closed. It looks every 5 to 50 ms. No matter whether it has executed another program meanwhile.
 */
export async function waitForEnd(identity: ProcessIdentity, options: WaitOptions = {}): Promise<void> {
  const { clock = systemClock, signal } = options;
  let pause = firstPollMs;
  while (!hasEnded(identity)) {
    await clock.sleep(pause, { signal });
    pause = Math.min(lastPollMs, pause * 1.5);
  }
}

/** The letter of /proc/PID/stat (R, S, D, Z, T, …); undefined when there is no such process. */
export function processState(pid: number): string | undefined {
  return readStat(pid)?.state;
}

/** /proc/PID/stat; undefined when there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = ifAlive(pid, "stat", (path) => Deno.readTextFileSync(path));
  return text === undefined ? undefined : parseStat(text);
}

/** The pids whose parent is `pid`, in ascending order, zombies included. What forks meanwhile may be missed. */
export function children(pid: number): Promise<number[]> {
  return Promise.try(() => {
    const found: number[] = [];
    // /proc/PID/task/TID/children would be cheaper, but skips children when one of them exits during the read (proc(5)).
    for (const entry of Deno.readDirSync("/proc")) {
      if (!/^[0-9]+$/.test(entry.name)) continue;
      const stat = readStat(Number(entry.name));
      if (stat?.parent === pid) found.push(stat.pid);
    }
    return found.sort((a, b) => a - b);
  });
}

/** A random id the kernel draws at each boot. Pids and start times mean nothing across boots. */
export async function bootId(): Promise<string> {
  const path = "/proc/sys/kernel/random/boot_id";
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw systemError(error, `read ${path}`);
  }
}

function identify(pid: number): ProcessIdentity | undefined {
  const before = readStat(pid);
  if (before === undefined || isDeadState(before.state)) return undefined;
  const executable = readExecutable(pid, before);
  const after = readStat(pid);
  // The pid may have died between the reads, or even become another process.
  if (after?.startTime !== before.startTime || isDeadState(after.state)) return undefined;
  return executable === undefined ? undefined : { pid, startTime: before.startTime, executable };
}

function isSameNow(identity: ProcessIdentity): boolean {
  const found = identify(identity.pid);
  return found !== undefined && found.startTime === identity.startTime &&
    found.executable === withoutDeleted(identity.executable);
}

function hasEnded(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  if (stat === undefined || stat.startTime !== identity.startTime) return true;
  // A leader that ended before its threads is shown as a zombie, while they still hold files and sockets.
  return isDeadState(stat.state) && stat.threads <= 1;
}

/** The program's path; empty when there is none to see; undefined when the process is on its way out. */
function readExecutable(pid: number, stat: ProcessStat): string | undefined {
  if ((stat.flags & PF_KTHREAD) !== 0) return "";
  try {
    // A process that is exiting has dropped its memory, and with it this link, some time before it is a zombie.
    const target = ifAlive(pid, "exe", (path) => Deno.readLinkSync(path));
    return target === undefined ? undefined : withoutDeleted(target);
  } catch (error) {
    if (isCode(error, "permission_denied")) return "";
    throw error;
  }
}

function withoutDeleted(path: string): string {
  return path.endsWith(deletedSuffix) ? path.slice(0, -deletedSuffix.length) : path;
}

function isDeadState(state: string): boolean {
  return state === "Z" || state === "X" || state === "x";
}

function ifAlive<T>(pid: number, file: string, read: (path: string) => T): T | undefined {
  // Zero, negative and broken pids name no process; `/proc/self` must not be reached either.
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const path = `/proc/${pid}/${file}`;
  try {
    return read(path);
  } catch (error) {
    // ENOENT at open, ESRCH when it ends between open and read.
    if (error instanceof Deno.errors.NotFound || errnoOf(error) === "ESRCH") return undefined;
    throw systemError(error, `read ${path}`);
  }
}
