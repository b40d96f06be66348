import { readStat } from "../base/proc.ts";

/** A process that has a hand in a container, in a form that can be written down: it may be dead when it is read. */
export interface Maker {
  readonly pid: number;
  /** Clock ticks between boot and its start, as text. With the pid that is one process and no other. */
  readonly startTime: string;
}

/** This process. */
export function thisMaker(): Maker {
  return { pid: Deno.pid, startTime: String(readStat(Deno.pid)?.startTime ?? 0n) };
}

/** A process that lives, or has not been reaped yet. */
export function makerOf(pid: number): Maker | undefined {
  const startTime = readStat(pid)?.startTime;
  return startTime === undefined ? undefined : { pid, startTime: String(startTime) };
}

/** True while that very process lives; a zombie does nothing any more. */
export function isAlive({ pid, startTime }: Maker): boolean {
  const stat = readStat(pid);
  return stat !== undefined && String(stat.startTime) === startTime && stat.state !== "Z" && stat.state !== "X";
}
