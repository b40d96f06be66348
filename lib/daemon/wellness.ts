import type { Clock } from "../base/clock.ts";
import type { SupervisorOptions } from "../supervisor/options.ts";
import { startTimeoutFactor } from "../supervisor/readiness.ts";
import type { InstanceState } from "../supervisor/status.ts";

/** What a step may take beyond its own limits, milliseconds. */
const slackMs = 10_000;

/**
 * Whether gantry does its work: serving, or on the way there for no longer than each step may take by its own limits.
 * A step that outlives its limit is a fault of gantry that only the service manager can cure.
 */
export class Wellness {
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  #state: InstanceState = "down";
  #since: number;

  constructor(options: SupervisorOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Takes the present state. */
  note(state: InstanceState): void {
    if (state !== this.#state) this.#since = this.#clock.monotonic();
    this.#state = state;
  }

  /** False when the present state has lasted longer than it may. */
  isWell(): boolean {
    return this.#clock.monotonic() - this.#since <= this.#limit();
  }

  #limit(): number {
    const { startTimeoutMs, stopTimeoutMs, healthIntervalMs, healthTimeoutMs, healthFailures } = this.#options;
    switch (this.#state) {
      case "serving":
        return Infinity;
      case "down":
      case "starting":
      case "restarting":
        return startTimeoutMs * startTimeoutFactor + stopTimeoutMs + slackMs;
      case "unhealthy":
        return (healthIntervalMs + healthTimeoutMs) * healthFailures + stopTimeoutMs + slackMs;
      case "failing":
        // The longest delay between two starts is half of it.
        return 60_000;
      case "stopping":
        return stopTimeoutMs + slackMs;
      case "orphaned":
        return 0;
    }
  }
}
