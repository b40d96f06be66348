/**
 * No limit at all is 2^63 - 1 rounded down to a page on cgroup v1 (a page may have 4 to 64 KiB), and 2^64 - 1 for v2's
 * `max`. No machine has memory or processes for a real limit as high as this.
 */
const unlimited = 1n << 62n;

/** A limit as control groups have it; undefined for none. A limit of zero is none: the pids of v1 say it that way. */
export function limitOf(value: bigint): number | undefined {
  return value === 0n || value >= unlimited ? undefined : Number(value);
}

/** The part of memory that is in use: the inactive page cache is left out, unless the two were read at odds. */
export function workingSetOf(usage: bigint, inactiveFile: bigint): number {
  return Number(inactiveFile < usage ? usage - inactiveFile : usage);
}
