import { type BlkIOStat, type CPUStat, type MemoryStat, Metrics } from "../../proto/gen/cgroups/metrics_v1.ts";
import type { BlkioMetrics, ContainerMetrics, CpuMetrics, MemoryMetrics } from "./container_metrics.ts";
import { limitOf, workingSetOf } from "./metrics_limit.ts";

/** Decodes `io.containerd.cgroups.v1.Metrics`; a controller that the host does not have is absent from the message. */
export function decodeMetricsV1(bytes: Uint8Array): ContainerMetrics {
  const { cpu, memory, pids, blkio, memoryOomControl } = Metrics.decode(bytes);
  return {
    cpu: cpu === undefined ? undefined : cpuOf(cpu),
    memory: memory === undefined ? undefined : memoryOf(memory, memoryOomControl?.oomKill),
    pids: pids === undefined ? undefined : { current: Number(pids.current), limit: limitOf(pids.limit) },
    blkio: blkio === undefined ? undefined : blkioOf(blkio),
  };
}

function cpuOf({ usage, throttling }: CPUStat): CpuMetrics {
  return {
    usageNs: Number(usage?.total ?? 0n),
    userNs: Number(usage?.user ?? 0n),
    systemNs: Number(usage?.kernel ?? 0n),
    periods: Number(throttling?.periods ?? 0n),
    throttledPeriods: Number(throttling?.throttledPeriods ?? 0n),
    throttledNs: Number(throttling?.throttledTime ?? 0n),
  };
}

function memoryOf(memory: MemoryStat, oomKills: bigint | undefined): MemoryMetrics {
  const usage = memory.usage?.usage ?? 0n;
  const memoryAndSwap = memory.swap?.usage ?? 0n;
  // The shim sends zeros where the files of memory.memsw are missing (swapaccount=0); with them, memory is never 0.
  const accountsSwap = (memory.swap?.limit ?? 0n) !== 0n;
  return {
    usage: Number(usage),
    workingSet: workingSetOf(usage, memory.totalInactiveFile),
    limit: lower(limitOf(memory.usage?.limit ?? 0n), limitOf(memory.hierarchicalMemoryLimit)),
    // The two are read one after the other, so their difference may come out below zero.
    swap: accountsSwap ? Math.max(0, Number(memoryAndSwap - usage)) : undefined,
    maxUsage: memory.usage === undefined ? undefined : Number(memory.usage.max),
    // From memory.oom_control, whose line oom_kill is there since Linux 4.13; old shims leave the whole part out.
    oomKills: oomKills === undefined ? undefined : Number(oomKills),
    majorFaults: Number(memory.totalPgMajFault),
  };
}

/** A group above may have the tighter limit. */
function lower(own: number | undefined, above: number | undefined): number | undefined {
  if (own === undefined || above === undefined) return own ?? above;
  return Math.min(own, above);
}

function blkioOf({ ioServiceBytesRecursive: entries }: BlkIOStat): BlkioMetrics {
  const sum = (letter: string): number =>
    // Devices have Read, Write, Sync, Async, Discard and Total, each counting the same bytes in another way.
    Number(entries.reduce((all, { op, value }) => op.toLowerCase().startsWith(letter) ? all + value : all, 0n));
  return { readBytes: sum("r"), writeBytes: sum("w") };
}
