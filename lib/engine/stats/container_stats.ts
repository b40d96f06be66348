import type { BlkioMetrics, ContainerMetrics, CpuMetrics, MemoryMetrics } from "../../wire/container_metrics.ts";
import type { NetworkCounters } from "./network.ts";
import { elapsedMs, type StatsSample } from "./sample.ts";

/** What a container uses now. Undefined parts are not known, which is not zero. */
export interface ContainerStats {
  readonly id: string;
  /** CPU time in percent of one CPU: 200 is two busy CPUs. Undefined without an earlier sample to compare with. */
  readonly cpuPercent?: number | undefined;
  /** Of the periods of its CPU quota, in percent, those in which it had to wait. Undefined without a quota. */
  readonly throttledPercent?: number | undefined;
  readonly memory?: MemoryUse | undefined;
  /** Since the start of the container. */
  readonly network?: NetworkCounters | undefined;
  /** Since the start of the container. */
  readonly blkio?: BlkioMetrics | undefined;
  /** Processes and threads. */
  readonly pids?: number | undefined;
  /** Processes killed for want of memory since the start of the container. */
  readonly oomKills?: number | undefined;
  /** All there is to know, counted since the start of the container. */
  readonly metrics: ContainerMetrics;
}

/** Memory in bytes. */
export interface MemoryUse {
  /** Without the inactive page cache. */
  readonly used: number;
  /** What it may use; the memory of the host when it has no limit, or a higher one. */
  readonly limit: number;
  /** `used` of `limit`. */
  readonly percent: number;
}

/**
 * The use of a container at `after`; rates are those since `before`, a sample of the same container. A container that was
 * started again meanwhile counts from zero: its rates are then undefined.
 */
export function statsOf(
  after: StatsSample,
  { before, hostMemory }: { readonly before: StatsSample | undefined; readonly hostMemory: number },
): ContainerStats {
  const { id, metrics, network } = after;
  return {
    id,
    ...ratesOf(before, after),
    memory: metrics.memory === undefined ? undefined : memoryUse(metrics.memory, hostMemory),
    network,
    blkio: metrics.blkio,
    pids: metrics.pids?.current,
    oomKills: metrics.memory?.oomKills,
    metrics,
  };
}

/** True when the container was started again between the two: a counter of CPU time never goes back. */
export function isReset(before: StatsSample, after: StatsSample): boolean {
  const [first, last] = [before.metrics.cpu, after.metrics.cpu];
  if (first === undefined || last === undefined) return false;
  return last.usageNs < first.usageNs || last.periods < first.periods;
}

type Rates = Pick<ContainerStats, "cpuPercent" | "throttledPercent">;

function ratesOf(before: StatsSample | undefined, after: StatsSample): Rates {
  const [first, last] = [before?.metrics.cpu, after.metrics.cpu];
  if (before === undefined || first === undefined || last === undefined) return {};
  const elapsed = elapsedMs(before, after);
  if (elapsed === undefined || isReset(before, after)) return {};
  return {
    cpuPercent: (last.usageNs - first.usageNs) / (elapsed * 1e6) * 100,
    throttledPercent: throttledPercent(first, last),
  };
}

function throttledPercent(first: CpuMetrics, last: CpuMetrics): number | undefined {
  if (last.periods === 0) return undefined;
  const periods = last.periods - first.periods;
  // No period begins while all its threads sleep.
  if (periods === 0) return 0;
  // The two numbers are not read at one moment.
  return Math.min(100, Math.max(0, last.throttledPeriods - first.throttledPeriods) / periods * 100);
}

function memoryUse({ workingSet, limit }: MemoryMetrics, hostMemory: number): MemoryUse {
  const most = Math.min(limit ?? hostMemory, hostMemory);
  return { used: workingSet, limit: most, percent: workingSet / most * 100 };
}
