import type { ProcessIdentity } from "../base/proc.ts";

/** USER_HZ: the unit of times in /proc, 100 on every architecture that Deno supports. */
const ticksPerSecond = 100;

/** Seconds since the process started, to the hundredth; undefined when the kernel does not say. */
export function processAge({ startTime }: Pick<ProcessIdentity, "startTime">): number | undefined {
  try {
    // Both count from boot, so no clock that people can set is in it.
    const sinceBoot = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
    const age = sinceBoot - Number(startTime) / ticksPerSecond;
    return Number.isFinite(age) ? Math.max(0, Math.round(age * 100) / 100) : undefined;
  } catch {
    return undefined;
  }
}
