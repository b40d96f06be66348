import {
  type CPUStat,
  type IOStat,
  type MemoryEvents,
  type MemoryStat,
  Metrics,
  type PSIData,
  type PSIStats,
} from "../../proto/gen/cgroups/metrics_v2.ts";
import type {
  BlkioMetrics,
  ContainerMetrics,
  CpuMetrics,
  MemoryMetrics,
  Pressure,
  PressureMetrics,
  PressureShare,
} from "./container_metrics.ts";
import { limitOf, workingSetOf } from "./metrics_limit.ts";

/** The kernel counts in microseconds. */
const nsPerUs = 1000n;

/**
 * Decodes `io.containerd.cgroups.v2.Metrics`. Its parts are always there, with zeros where the controller is not: a
 * container that has a process has memory and a pid, so a zero there means that nobody counted.
 */
export function decodeMetricsV2(bytes: Uint8Array): ContainerMetrics {
  const { cpu, memory, pids, io, memoryEvents } = Metrics.decode(bytes);
  return {
    cpu: cpu === undefined ? undefined : cpuOf(cpu),
    memory: memory === undefined || memory.usage === 0n ? undefined : memoryOf(memory, memoryEvents),
    pids: pids === undefined || pids.current === 0n
      ? undefined
      : { current: Number(pids.current), limit: limitOf(pids.limit) },
    blkio: io === undefined ? undefined : blkioOf(io),
    psi: psiOf({ cpu: cpu?.psi, memory: memory?.psi, io: io?.psi }),
  };
}

function cpuOf(cpu: CPUStat): CpuMetrics {
  return {
    usageNs: Number(cpu.usageUsec * nsPerUs),
    userNs: Number(cpu.userUsec * nsPerUs),
    systemNs: Number(cpu.systemUsec * nsPerUs),
    periods: Number(cpu.nrPeriods),
    throttledPeriods: Number(cpu.nrThrottled),
    throttledNs: Number(cpu.throttledUsec * nsPerUs),
  };
}

function memoryOf(memory: MemoryStat, events: MemoryEvents | undefined): MemoryMetrics {
  return {
    usage: Number(memory.usage),
    workingSet: workingSetOf(memory.usage, memory.inactiveFile),
    limit: limitOf(memory.usageLimit),
    // Both are zero where memory.swap.* is missing; a limit of zero alone would be the user's "no swap".
    swap: memory.swapUsage === 0n && memory.swapLimit === 0n ? undefined : Number(memory.swapUsage),
    maxUsage: memory.maxUsage === 0n ? undefined : Number(memory.maxUsage),
    oomKills: events === undefined ? undefined : Number(events.oomKill),
    majorFaults: Number(memory.pgmajfault),
  };
}

function blkioOf({ usage }: IOStat): BlkioMetrics {
  return {
    readBytes: Number(usage.reduce((sum, { rbytes }) => sum + rbytes, 0n)),
    writeBytes: Number(usage.reduce((sum, { wbytes }) => sum + wbytes, 0n)),
  };
}

function psiOf(parts: { readonly [part in "cpu" | "memory" | "io"]: PSIStats | undefined }):
  | PressureMetrics
  | undefined {
  const { cpu, memory, io } = parts;
  if (cpu === undefined && memory === undefined && io === undefined) return undefined;
  return { cpu: pressureOf(cpu), memory: pressureOf(memory), io: pressureOf(io) };
}

function pressureOf(stats: PSIStats | undefined): Pressure | undefined {
  return stats === undefined ? undefined : { some: shareOf(stats.some), full: shareOf(stats.full) };
}

function shareOf(data: PSIData | undefined): PressureShare | undefined {
  if (data === undefined) return undefined;
  const { avg10, avg60, avg300, total } = data;
  return { avg10, avg60, avg300, totalUs: Number(total) };
}
