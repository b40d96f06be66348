import type { Clock } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";

/** How long a task may take. */
export interface TimeLimit {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly ms: number;
  /** What is limited; completes "… took longer than". */
  readonly what: string;
  /** Ends the task early; the result is then a rejection with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `task` and gives its result, or fails with `deadline_exceeded` when the limit comes first. The task's signal is
 * aborted then; a task that does not listen to it is left behind, and its late result is dropped.
 */
export async function within<T>(limit: TimeLimit, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, what, signal } = limit;
  signal?.throwIfAborted();
  const over = new AbortController();
  const both = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(both.reason);
  both.addEventListener("abort", onAbort, { once: true });
  const timer = new AbortController();
  clock.sleep(ms, { signal: timer.signal }).then(
    () => over.abort(new GantryError("deadline_exceeded", `${what} took longer than ${ms} ms`)),
    () => {},
  );
  const running = Promise.try(task, both);
  try {
    return await Promise.race([running, aborted]);
  } finally {
    both.removeEventListener("abort", onAbort);
    timer.abort();
    // The loser of the race may still fail; nobody waits for it any more.
    running.catch(() => {});
  }
}

/** True when `promise` settles within `ms` milliseconds; its rejection counts as settling. */
export async function settlesWithin(promise: Promise<unknown>, limit: Omit<TimeLimit, "what">): Promise<boolean> {
  const { clock, ms, signal } = limit;
  const timer = new AbortController();
  const both = signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]);
  try {
    return await Promise.race([
      promise.then(() => true, () => true),
      clock.sleep(ms, { signal: both }).then(() => false),
    ]);
  } finally {
    timer.abort();
  }
}
