import { type ContainerStats, isReset, statsOf } from "./container_stats.ts";
import { elapsedMs, type StatsSample } from "./sample.ts";

/**
 * How long CPU time is measured for at least, in milliseconds: also the wait before the first numbers.
 *
 * The kernel refills a CPU quota every 100 ms, and a throttled container works at the start of each period: over any
 * window but a whole number of periods its rate is off by up to a period's work. Measured with a quota of 30 % (p95 of
 * the error, in points): 50 ms 30, 100 ms 5, 250 ms 6.3, 500 ms 0.6, 1000 ms 0.35. Five periods are where it is below one.
 */
export const windowMs = 500;

/** Options of {@link StatsSampler}. */
export interface StatsSamplerOptions {
  /** Memory of the host in bytes. */
  readonly hostMemory: number;
}

/**
 * Turns samples into rates. A rate is that of the last {@link windowMs} or more: with samples in quicker succession it is
 * compared with an older one than the last.
 */
export class StatsSampler {
  readonly #hostMemory: number;
  /** Samples of each container that later ones may be compared with, oldest first. */
  readonly #history = new Map<string, readonly StatsSample[]>();

  constructor(options: StatsSamplerOptions) {
    this.#hostMemory = options.hostMemory;
  }

  /**
   * The use of each container that a sample is given of, in the same order. One that has not been seen for so long yet has
   * no rates; one without a sample is forgotten.
   */
  next(samples: readonly StatsSample[]): readonly ContainerStats[] {
    const ids = new Set(samples.map(({ id }) => id));
    for (const id of this.#history.keys()) {
      if (!ids.has(id)) this.#history.delete(id);
    }
    return samples.map((sample) => this.#one(sample));
  }

  #one(sample: StatsSample): ContainerStats {
    const earlier = this.#history.get(sample.id) ?? [];
    const last = earlier.at(-1);
    // Samples from before a restart of the container say nothing about it now.
    const same = last !== undefined && !isReset(last, sample) ? earlier : [];
    const base = same.findLastIndex((other) => (elapsedMs(other, sample) ?? 0) >= windowMs);
    this.#history.set(sample.id, [...same.slice(Math.max(0, base)), sample]);
    return statsOf(sample, { before: same[base], hostMemory: this.#hostMemory });
  }
}
