import { readStat } from "./proc.ts";

/** Clock ticks a second in /proc: USER_HZ, 100 on every architecture Deno runs on. */
const ticksPerSecond = 100;

let bootTimeMs: number | undefined;

/** When a process started, milliseconds since 1970; undefined when there is no such process. */
export function startedAt(pid: number): number | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : timeOfTicks(Number(stat.startTime));
}

/** A time that the kernel counts in clock ticks since the boot, as milliseconds since 1970. */
export function timeOfTicks(ticks: number): number {
  return bootTime() + ticks * (1000 / ticksPerSecond);
}

/** When the machine booted (`btime` of /proc/stat), milliseconds since 1970. */
function bootTime(): number {
  bootTimeMs ??= Number(/^btime (\d+)$/m.exec(Deno.readTextFileSync("/proc/stat"))?.[1] ?? 0) * 1000;
  return bootTimeMs;
}
