import { type Clock, systemClock } from "../../base/clock.ts";
import type { ContainerStats } from "./container_stats.ts";
import type { StatsSample } from "./sample.ts";
import { StatsSampler, windowMs } from "./sampler.ts";

/**
 * Takes a sample of each container to be shown. It must bound its own time: a shim that hangs (SIGSTOP, a broken disk)
 * makes Tasks/Metrics hang for all, so each container is asked for with its own call and deadline, and left out when it
 * does not answer.
 */
export type TakeSamples = (options: { readonly signal: AbortSignal | undefined }) => Promise<readonly StatsSample[]>;

/** Options of {@link watchStats}. */
export interface WatchStatsOptions {
  /** Memory of the host in bytes. */
  readonly hostMemory: number;
  /** Milliseconds from one round to the next; default 1000. */
  readonly intervalMs?: number | undefined;
  /** Ends after the first round (`--no-stream`). Default false. */
  readonly once?: boolean | undefined;
  /** Ends it by rejecting with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Rounds of stats, for ever. The first comes {@link windowMs} after the first samples, so that its CPU percentages are
 * right: an average since the container's start, or zero, is neither. A container that comes later has none in its first
 * round. An error of `take` ends it.
 */
export async function* watchStats(
  take: TakeSamples,
  options: WatchStatsOptions,
): AsyncGenerator<readonly ContainerStats[], void, void> {
  const { hostMemory, intervalMs = 1000, once = false, signal, clock = systemClock } = options;
  const sampler = new StatsSampler({ hostMemory });
  sampler.next(await take({ signal }));
  await clock.sleep(windowMs, { signal });
  for (;;) {
    const due = clock.monotonic() + intervalMs;
    yield sampler.next(await take({ signal }));
    if (once) return;
    // A round that took longer than the interval is followed by the next at once, but never without a breath.
    await clock.sleep(Math.max(1, due - clock.monotonic()), { signal });
  }
}
