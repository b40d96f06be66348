import type { ContainerMetrics } from "../../wire/container_metrics.ts";
import type { NetworkCounters } from "./network.ts";

/** What a container had used at one moment, and what is known about when that was. */
export interface StatsSample {
  /** The container's id. */
  readonly id: string;
  /** What the control group says. */
  readonly metrics: ContainerMetrics;
  /** Undefined for a container in the host's network. */
  readonly network?: NetworkCounters | undefined;
  /** `Clock.monotonic()` before the metrics were asked for. */
  readonly askedAt: number;
  /** `Clock.monotonic()` when they were there. */
  readonly answeredAt: number;
  /** When containerd took them, milliseconds by its own wall clock; undefined when it does not say. */
  readonly takenAt?: number | undefined;
}

/**
 * Milliseconds between the moments two samples were taken at; undefined unless it is above zero.
 *
 * Tasks/Metrics asks one shim after the other, so in a long reply the moment of a sample is unsure by all of the call.
 * containerd's own times are exact but for wall clocks that are set: they count as long as they agree with ours.
 */
export function elapsedMs(before: StatsSample, after: StatsSample): number | undefined {
  const least = after.askedAt - before.answeredAt;
  const most = after.answeredAt - before.askedAt;
  const told = before.takenAt === undefined || after.takenAt === undefined ? undefined : after.takenAt - before.takenAt;
  const elapsed = told !== undefined && told >= least && told <= most ? told : (least + most) / 2;
  return elapsed > 0 ? elapsed : undefined;
}
