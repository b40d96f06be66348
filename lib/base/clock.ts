/** Time as a value that can be replaced: the only module of lib/ that reads the clock or sets a timer. */
export interface Clock {
  /** Wall time, milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start. Never goes back. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, options?: SleepOptions): Promise<void>;
}

/** Options of {@link Clock.sleep}. */
export interface SleepOptions {
  /** Ends the sleep early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, options = {}) {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
    return promise;
  },
};

/** A deadline as a signal that is aborted after `ms`, or when one of `parents` is; dispose it to free the timer. */
export interface Deadline extends Disposable {
  /** Aborted with a `TimeoutError` when the time is over, or with the parent's reason. */
  readonly signal: AbortSignal;
}

/** Makes a {@link Deadline}. `ms` of `Infinity` never fires. */
export function deadline(ms: number, ...parents: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController();
  const live = parents.filter((parent) => parent !== undefined);
  const timer = Number.isFinite(ms)
    ? setTimeout(() => controller.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")), ms)
    : undefined;
  return {
    signal: live.length === 0 ? controller.signal : AbortSignal.any([controller.signal, ...live]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
