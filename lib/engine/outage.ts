import { Backoff } from "../base/backoff.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { type ErrorCode, type GantryError, toGantryError } from "../base/errors.ts";

/**
 * Errors that are an answer about the thing that was asked for. All others may be a connection that broke: a containerd
 * that dies ends a call in many ways (CANCELLED without trailers, UNAVAILABLE, UNKNOWN "ttrpc: closed"), which say nothing.
 */
const answers: readonly ErrorCode[] = [
  "not_found",
  "already_exists",
  "invalid_argument",
  "failed_precondition",
  "out_of_range",
  "resource_exhausted",
  "permission_denied",
  "unauthenticated",
  "unimplemented",
];

/** True when an error is an answer, false when it may be an outage through which containers go on. */
export function isAnswer(error: GantryError): boolean {
  return answers.includes(error.code);
}

/** The delays between tries of a call through an outage: a supervised containerd is back within 100 ms. */
export function outageBackoff(clock: Clock): Backoff {
  return new Backoff(
    { initialMs: 20, factor: 2, maxMs: 1000, jitter: 0, resetAfterMs: 5000, immediateFirst: true },
    { clock },
  );
}

/** Options of {@link untilAnswered}. */
export interface PatienceOptions {
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /** Ends the tries. */
  readonly signal?: AbortSignal | undefined;
  /** How long an outage may last, milliseconds; default no limit. */
  readonly patienceMs?: number | undefined;
}

/**
 * Makes a call again and again until somebody answers it, with a result or with an error that is an answer. Only for calls
 * that may be made twice: the reply of the first may be what was lost.
 */
export async function untilAnswered<T>(call: () => Promise<T>, options: PatienceOptions = {}): Promise<T> {
  const { clock = systemClock, signal, patienceMs = Infinity } = options;
  const backoff = outageBackoff(clock);
  let since: number | undefined;
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const error = toGantryError(thrown);
      since ??= clock.monotonic();
      if (signal?.aborted || isAnswer(error) || clock.monotonic() - since >= patienceMs) throw error;
      await clock.sleep(backoff.next(), { signal });
    }
  }
}
