/**
 * What a container uses, whichever version of control groups its host has. Counts above 2^53 are rounded to the nearest
 * double: a relative error of 1e-16, which CPU time reaches after 104 days of one CPU.
 */
export interface ContainerMetrics {
  /** Undefined when the host does not account for CPU time. */
  readonly cpu?: CpuMetrics | undefined;
  /** Undefined when the host has no memory controller. */
  readonly memory?: MemoryMetrics | undefined;
  /** Undefined when the host has no pids controller. */
  readonly pids?: PidsMetrics | undefined;
  /** Undefined when the host has no controller for block devices. */
  readonly blkio?: BlkioMetrics | undefined;
  /** Undefined on cgroup v1, with shims that do not send it and on kernels without PSI. */
  readonly psi?: PressureMetrics | undefined;
}

/** CPU time since the control group was made. */
export interface CpuMetrics {
  /** Nanoseconds on all CPUs together. */
  readonly usageNs: number;
  /** Nanoseconds in user mode; on cgroup v1 in steps of 10 ms. */
  readonly userNs: number;
  /** Nanoseconds in the kernel, likewise. */
  readonly systemNs: number;
  /** Periods of the CPU quota that have begun; 0 without a quota. */
  readonly periods: number;
  /** Periods in which it used up its quota and had to wait. */
  readonly throttledPeriods: number;
  /** Nanoseconds its threads had to wait for. */
  readonly throttledNs: number;
}

/** Memory in bytes. */
export interface MemoryMetrics {
  /** All that is charged to it, the page cache included. */
  readonly usage: number;
  /** `usage` without the inactive part of the page cache, which the kernel gives up first: docker's "memory used". */
  readonly workingSet: number;
  /** Undefined for none. */
  readonly limit?: number | undefined;
  /** Undefined when the host does not account for swap. */
  readonly swap?: number | undefined;
  /** Highest usage ever; undefined where the kernel or the shim does not tell (v2 before Linux 5.19). */
  readonly maxUsage?: number | undefined;
  /** Processes the kernel killed for want of memory; undefined where it is not counted. */
  readonly oomKills?: number | undefined;
  /** Page faults that had to wait for a disk. */
  readonly majorFaults: number;
}

/** Processes and threads. */
export interface PidsMetrics {
  /** How many there are. */
  readonly current: number;
  /** Undefined for none. */
  readonly limit?: number | undefined;
}

/** Bytes moved from and to block devices; buffered writes count on cgroup v2 only. */
export interface BlkioMetrics {
  /** Bytes read. */
  readonly readBytes: number;
  /** Bytes written. */
  readonly writeBytes: number;
}

/** Pressure stall information; undefined parts are not known. */
export interface PressureMetrics {
  /** Waiting for a CPU. */
  readonly cpu?: Pressure | undefined;
  /** Waiting for memory. */
  readonly memory?: Pressure | undefined;
  /** Waiting for disks. */
  readonly io?: Pressure | undefined;
}

/** How much of the time work stood still for want of a resource. */
export interface Pressure {
  /** At least one thread stood still. */
  readonly some?: PressureShare | undefined;
  /** All threads that wanted to run stood still. */
  readonly full?: PressureShare | undefined;
}

/** Shares of time in percent, over the last 10, 60 and 300 seconds, and the total. */
export interface PressureShare {
  /** Percent of the last 10 seconds. */
  readonly avg10: number;
  /** Percent of the last 60 seconds. */
  readonly avg60: number;
  /** Percent of the last 300 seconds. */
  readonly avg300: number;
  /** Microseconds since the control group was made. */
  readonly totalUs: number;
}
