import { SIGKILL } from "../base/signals.ts";
import type { Clock } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { Engine } from "./engine.ts";
import { untilAnswered } from "./outage.ts";

const log = getLogger("engine");

/** Options of {@link TimeLimit}. */
export interface TimeLimitOptions {
  /** From now on, in milliseconds. */
  readonly ms: number;
  readonly clock: Clock;
}

/** Kills a container once its time is over, through outages of the runtime. Disposing calls it off. */
export class TimeLimit implements Disposable {
  readonly #engine: Pick<Engine, "kill">;
  readonly #containerId: string;
  readonly #clock: Clock;
  readonly #end: number;
  readonly #over = new AbortController();
  #isExceeded = false;

  /** The time runs from now on. */
  constructor(engine: Pick<Engine, "kill">, containerId: string, { ms, clock }: TimeLimitOptions) {
    this.#engine = engine;
    this.#containerId = containerId;
    this.#clock = clock;
    this.#end = clock.monotonic() + ms;
    void this.#enforce(ms);
  }

  /** True once the time is over and the container is being killed, unless it was called off before. */
  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** Milliseconds that are left; 0 or more. */
  get leftMs(): number {
    return Math.max(0, this.#end - this.#clock.monotonic());
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }

  /** Never rejects: whoever waits for the container's end learns how it went. */
  async #enforce(ms: number): Promise<void> {
    const { signal } = this.#over;
    try {
      await this.#clock.sleep(ms, { signal });
      this.#isExceeded = true;
      const kill = (): Promise<void> =>
        this.#engine.kill({ containerId: this.#containerId }, { signal: SIGKILL, all: true }, {
          patient: true,
          signal,
        });
      await untilAnswered(kill, { clock: this.#clock, signal });
    } catch (error) {
      // It ended this moment, or nobody cares any more.
      if (signal.aborted || isCode(error, "not_found") || isCode(error, "failed_precondition")) return;
      log.error("a container whose time is over could not be killed", { container: this.#containerId, error });
    }
  }
}
