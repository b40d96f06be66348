import type { Clock } from "../base/clock.ts";
import { type ProcessIdentity, readIdentity, signalProcess } from "../base/proc.ts";
import { settlesWithin } from "./time_limit.ts";

/** The containerd that is supervised, child or adopted. */
export interface Child {
  /** Who it is; its program may change once more while a wrapper script executes the real one. */
  readonly identity: ProcessIdentity;
  /** True when it was there before this supervisor. */
  readonly adopted: boolean;
  /** The version its program says it is. */
  readonly version: string;
  /** Resolves when its process is gone, however it went. */
  readonly ended: Promise<ChildEnd>;
}

/** How a process ended; nothing is known about one that was not our child. */
export interface ChildEnd {
  readonly code?: number | undefined;
  /** E.g. `SIGKILL`. */
  readonly signal?: string | undefined;
}

/** `exit code 1`, `signal SIGKILL`, or that nobody can know. */
export function describeEnd({ code, signal }: ChildEnd): string {
  if (signal !== undefined) return `signal ${signal}`;
  return code === undefined ? "an exit status only its former parent could read" : `exit code ${code}`;
}

/** True while that process lives, whatever program it executes now: pid and start time name a process. */
export async function isAlive({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await readIdentity(pid))?.startTime === startTime;
}

/** Sends a signal to the child and to no other process; false when it is gone. */
export async function signalChild(child: Pick<Child, "identity">, signal: string): Promise<boolean> {
  const { pid, startTime } = child.identity;
  for (;;) {
    // Pid and start time name the process; its program may have changed since.
    const now = await readIdentity(pid);
    if (now === undefined || now.startTime !== startTime) return false;
    // False also when it executes another program at this very moment: then it is asked for again.
    if (await signalProcess(now, signal)) return true;
  }
}

/** Options of {@link terminate}. */
export interface TerminateOptions {
  readonly clock: Clock;
  /** Time between TERM and KILL, milliseconds. */
  readonly stopTimeoutMs: number;
}

/** Ends a process: TERM, a wait, KILL. True when KILL was needed. Resolves when it is gone. */
export async function terminate(child: Pick<Child, "identity" | "ended">, options: TerminateOptions): Promise<boolean> {
  const { clock, stopTimeoutMs } = options;
  await signalChild(child, "TERM");
  // A stopped process gets TERM only when it runs again; on a running one this does nothing.
  await signalChild(child, "CONT");
  if (await settlesWithin(child.ended, { clock, ms: stopTimeoutMs })) return false;
  await signalChild(child, "KILL");
  await child.ended;
  return true;
}
