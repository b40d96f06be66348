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
      stop();
      reject(signal?.reason);
    };
    const stop = startTimer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
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
  const stop = startTimer(ms, () => controller.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")));
  return {
    signal: live.length === 0 ? controller.signal : AbortSignal.any([controller.signal, ...live]),
    [Symbol.dispose]: stop,
  };
}

/** What is called off before its time should not pile up for longer than this. */
const longMs = 60_000;
/** setTimeout holds at most 2^31-1 ms, 24.8 days, and fires at once when it is given more. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls `action` after `ms` milliseconds, never when that is Infinity; gives what calls it off. */
function startTimer(ms: number, action: () => void): () => void {
  if (ms === Infinity) return () => {};
  if (ms > longMs) return startLongTimer(ms, action);
  // Deno loads 6 ms of Node's timers for the first setTimeout of a process, and nothing for this. What is called off stays
  // in the runtime's list until its time, and keeps no process alive.
  const signal = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));
  signal.addEventListener("abort", action, { once: true });
  return () => signal.removeEventListener("abort", action);
}

function startLongTimer(ms: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const arm = (rest: number): void => {
    const part = Math.min(rest, longestTimerMs);
    timer = setTimeout(() => part < rest ? arm(rest - part) : action(), part);
  };
  arm(ms);
  return () => clearTimeout(timer);
}

/** The wall time `ms` milliseconds from now, milliseconds since 1970; what gRPC takes as a deadline. */
export function deadlineIn(ms: number): number {
  return Date.now() + ms;
}
