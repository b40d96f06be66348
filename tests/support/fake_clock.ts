/** A clock that stands still until a test moves it: sleepers wake when their time has come, in order. */
import type { Clock, SleepOptions } from "../../lib/base/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time under the control of a test. */
export class FakeClock implements Clock {
  #wall = Date.UTC(2026, 10, 22, 12);
  #monotonic = 1000;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, options: SleepOptions = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const forget = (): void => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      forget();
      reject(signal?.reason);
    };
    const sleeper: Sleeper = {
      at: this.#monotonic + ms,
      wake: () => {
        forget();
        resolve();
      },
    };
    this.#sleepers.push(sleeper);
    signal?.addEventListener("abort", onAbort, { once: true });
    return promise;
  }

  /** How many sleep now. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** Moves on by `ms`, stopping at each sleeper's time and letting everything happen that follows from its waking. */
  async advance(ms: number): Promise<void> {
    await settle();
    const end = this.#monotonic + ms;
    for (;;) {
      const [next] = this.#sleepers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#pass(Math.max(0, next.at - this.#monotonic));
      next.wake();
      await settle();
    }
    this.#pass(end - this.#monotonic);
    await settle();
  }

  /** Moves on by `ms` at once; sleepers wake late, all of them at the end, as when this process did not get to run. */
  async stall(ms: number): Promise<void> {
    await settle();
    this.#pass(ms);
    await this.advance(0);
  }

  /** Moves only the wall clock on, as when the machine was suspended. */
  suspend(ms: number): void {
    this.#wall += ms;
  }

  #pass(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }
}

/** Lets promises that are settled have their consequences, as far as those need no real time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
