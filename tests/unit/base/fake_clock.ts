import type { Clock, SleepOptions } from "../../../lib/base/clock.ts";

/** A clock that stands still: sleeping moves it on at once and is written down. */
export class FakeClock implements Clock {
  /** The lengths of all sleeps so far, milliseconds. */
  readonly sleeps: number[] = [];
  #time: number;

  constructor(start = 1_000_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  sleep(ms: number, options: SleepOptions = {}): Promise<void> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    this.sleeps.push(ms);
    this.#time += ms;
    // A turn of the event loop, so that what the sleeper waits for can happen.
    return new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Moves the time on. */
  advance(ms: number): void {
    this.#time += ms;
  }
}
