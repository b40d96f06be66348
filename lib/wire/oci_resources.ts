/** The parts of the OCI runtime specification about control groups: `linux.resources`, and what an update of a task is. */

/** Limits and device rules of the cgroup. */
export interface Resources {
  /** In order; a later rule wins. */
  readonly devices?: readonly DeviceRule[] | undefined;
  /** Memory limits. */
  readonly memory?: Memory | undefined;
  /** CPU limits. */
  readonly cpu?: Cpu | undefined;
  /** Limit of processes. */
  readonly pids?: Pids | undefined;
  /** Shares of disk time. */
  readonly blockIO?: BlockIo | undefined;
}

/** A rule of the device cgroup; without a type it is about every device. */
export interface DeviceRule {
  /** Allows or denies. */
  readonly allow: boolean;
  /** `c`, `b`, or `a` for all. */
  readonly type?: string | undefined;
  /** Major number; any when absent. */
  readonly major?: number | undefined;
  /** Minor number; any when absent. */
  readonly minor?: number | undefined;
  /** Of the letters r, w and m. */
  readonly access?: string | undefined;
}

/** Memory limits, in bytes. */
export interface Memory {
  /** Hard limit; -1 for none. */
  readonly limit?: number | undefined;
  /** Soft limit: what it is pushed back to, or left with, when memory is short. */
  readonly reservation?: number | undefined;
  /** Memory and swap together, also on cgroup v2; -1 for no limit. */
  readonly swap?: number | undefined;
  /** 0 to 100, cgroup v1 only. */
  readonly swappiness?: number | undefined;
  /** It waits instead of being killed, cgroup v1 only. */
  readonly disableOOMKiller?: boolean | undefined;
  /** Of an update: a limit below what is used is refused, as cgroup v1 does by itself (runtime-spec 1.1, runc 1.2). */
  readonly checkBeforeUpdate?: boolean | undefined;
}

/** CPU limits; quota and period in microseconds. */
export interface Cpu {
  /** Relative weight, 2 to 262144; 1024 is normal. */
  readonly shares?: number | undefined;
  /** Time it may use in each period. */
  readonly quota?: number | undefined;
  /** Length of a period. */
  readonly period?: number | undefined;
  /** CPUs it may use, e.g. `0-2,7`. */
  readonly cpus?: string | undefined;
  /** Memory nodes it may use. */
  readonly mems?: string | undefined;
}

/** The limit of processes and threads. */
export interface Pids {
  /** -1 or 0 for none. */
  readonly limit: number;
}

/** Shares of disk time. */
export interface BlockIo {
  /** Relative weight, 10 to 1000; the runtime turns it into the 1 to 10000 of cgroup v2. */
  readonly weight?: number | undefined;
}
