import { GantryError } from "./errors.ts";
import { check, lastErrno, libc, rareLibc, systemCall } from "./libc.ts";

/** How a process that was reaped ended. */
export interface ReapedProcess {
  /** The exit code; 128+n when signal n ended it. */
  readonly code: number;
  /** The signal's number; undefined when the process exited by itself. */
  readonly signal: number | undefined;
}

// The same numbers on every architecture: system calls added since 2019 share them.
const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
const WNOHANG = 1;
const ECHILD = 10;

/**
 * A descriptor that stands for the process `pid` has now and for no later one; close-on-exec, to be closed with
 * `closeFd`. `not_found` when there is no such process, `invalid_argument` for what is no pid. Linux 5.3.
 */
export function pidfdOpen(pid: number): number {
  // The kernel takes an int: of a longer number it would see the low half, which is some other process.
  if (!Number.isInteger(pid) || pid <= 0 || pid >= 2 ** 31) {
    throw new GantryError("invalid_argument", `${pid} is not the pid of a process`);
  }
  return check(systemCall(SYS_pidfd_open, pid), `open process ${pid}`);
}

/** Sends a signal by number (0 only asks) to the process behind a pidfd; `not_found` when it has been reaped. */
export function pidfdSendSignal(fd: number, signo: number): void {
  check(systemCall(SYS_pidfd_send_signal, fd, signo), `send signal ${signo} through descriptor ${fd}`);
}

/** Makes this process the parent of orphaned descendants, or no longer. They must then be reaped with {@link reap}. */
export function setChildSubreaper(on: boolean): void {
  check(
    rareLibc().prctl(PR_SET_CHILD_SUBREAPER, on ? 1n : 0n, 0n, 0n, 0n),
    "become the reaper of orphaned descendants",
  );
}

/** Whether {@link setChildSubreaper} is on. */
export function isChildSubreaper(): boolean {
  const answer = new Int32Array(1);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(answer));
  check(rareLibc().prctl(PR_GET_CHILD_SUBREAPER, BigInt(address), 0n, 0n, 0n), "ask who reaps orphaned descendants");
  return answer[0] === 1;
}

/**
 * Takes the exit status of a dead child or adopted orphan, without waiting: undefined while it lives and for a process
 * that is not our child. Never for children of Deno.Command: Deno reaps those, and would miss the status.
 */
export function reap(pid: number): ReapedProcess | undefined {
  // waitpid(-1) and waitpid(0) would steal any child's status from Deno.
  if (!Number.isSafeInteger(pid) || pid <= 0) throw new RangeError(`not the pid of one process: ${pid}`);
  const status = new Int32Array(1);
  const result = libc().waitpid(pid, status, WNOHANG);
  if (result === 0 || (result === -1 && lastErrno() === ECHILD)) return undefined;
  check(result, `reap process ${pid}`);
  const word = status[0] ?? 0;
  // wait(2): the low seven bits are the signal, the next eight the exit code.
  const signal = word & 0x7f;
  return signal === 0 ? { code: (word >> 8) & 0xff, signal: undefined } : { code: 128 + signal, signal };
}
