import type { Clock } from "./clock.ts";

/** How the delays between tries grow. */
export interface BackoffPolicy {
  /** The first delay, milliseconds. */
  readonly initialMs: number;
  /** Each delay is the one before times this; at least 1. */
  readonly factor: number;
  /** No delay is longer, milliseconds. */
  readonly maxMs: number;
  /** Each delay is shortened by a random part of at most this share, 0 to 1, so that many do not retry in step. */
  readonly jitter: number;
  /** After this long up, milliseconds, the next failure counts as the first. */
  readonly resetAfterMs: number;
  /** Makes the first delay 0; the growth starts with the second. Default false. */
  readonly immediateFirst?: boolean | undefined;
}

/** What a {@link Backoff} needs from outside. */
export interface BackoffOptions {
  readonly clock: Clock;
  /** A number from 0 to below 1; default Math.random. */
  readonly random?: (() => number) | undefined;
}

/** Says how long to wait before the next try. Tell it when the thing is up and when it went down. */
export class Backoff {
  readonly #policy: BackoffPolicy;
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  #upSince: number | undefined;

  /** A policy that makes no sense is a RangeError. */
  constructor(policy: BackoffPolicy, options: BackoffOptions) {
    checkPolicy(policy);
    this.#policy = policy;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
  }

  /** How many delays have been given since the last reset. */
  get failures(): number {
    return this.#failures;
  }

  /** The delay before the next try, milliseconds. Something still marked as up counts as down from now on. */
  next(): number {
    this.markDown();
    const { initialMs, factor, maxMs, jitter, immediateFirst = false } = this.#policy;
    const exponent = this.#failures++ - (immediateFirst ? 1 : 0);
    if (exponent < 0 || initialMs === 0) return 0;
    return Math.min(maxMs, initialMs * factor ** exponent) * (1 - jitter * this.#random());
  }

  /** Starts over: the next delay is the first. */
  reset(): void {
    this.#failures = 0;
    this.#upSince = undefined;
  }

  /** It works now. Repeating this while it works changes nothing. */
  markUp(): void {
    this.#upSince ??= this.#clock.monotonic();
  }

  /** It has failed. When it had been up for `resetAfterMs`, the delays start over. */
  markDown(): void {
    if (this.#upSince === undefined) return;
    if (this.#clock.monotonic() - this.#upSince >= this.#policy.resetAfterMs) this.reset();
    this.#upSince = undefined;
  }
}

function checkPolicy(policy: BackoffPolicy): void {
  const { initialMs, factor, maxMs, jitter, resetAfterMs } = policy;
  if (
    !(initialMs >= 0) || !(maxMs >= initialMs) || !(factor >= 1) || !(jitter >= 0 && jitter <= 1) ||
    !(resetAfterMs >= 0)
  ) {
    throw new RangeError(`not a back-off policy: ${JSON.stringify(policy)}`);
  }
}
