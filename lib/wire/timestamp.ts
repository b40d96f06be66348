import type { Timestamp } from "../../proto/gen/google/protobuf/timestamp.ts";

/** Go's zero time in seconds since 1970: how containerd and the shims say "never". */
const goZeroSeconds = -62135596800n;

/** Milliseconds since 1970; undefined for an absent timestamp, zero, or Go's zero time. */
export function toMillis(timestamp: Timestamp | undefined): number | undefined {
  if (timestamp === undefined || timestamp.seconds === goZeroSeconds) return undefined;
  if (timestamp.seconds === 0n && timestamp.nanos === 0) return undefined;
  return Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1e6);
}
