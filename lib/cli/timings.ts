import type { Clock } from "../base/clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { CliContext } from "./context.ts";

/** One thing a command did. */
interface Step {
  readonly step: string;
  /** Milliseconds from the start of the process to its beginning. */
  readonly atMs: number;
  /** Milliseconds it took; undefined when it was not over at the end. */
  tookMs?: number | undefined;
}

/** Where the time of a command goes, for `run --timings`: what it asked of the engine, from when on and for how long. */
export class Timings {
  readonly #clock: Clock;
  readonly #steps: Step[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Times something that is under way. */
  async time<T>(step: string, work: Promise<T>): Promise<T> {
    const end = this.#begin(step);
    try {
      return await work;
    } finally {
      end();
    }
  }

  /** The same engine, with all its calls timed. */
  watch(engine: Engine): Engine {
    return new Proxy(engine, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return (...args: readonly unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, args);
          return typeof key === "string" && result instanceof Promise ? this.time(key, result) : result;
        };
      },
    });
  }

  /** Tells it on stderr. */
  report({ json, stderr }: Pick<CliContext, "json" | "stderr">): void {
    const steps = [...this.#steps, { step: "end", atMs: rounded(this.#clock.monotonic()) }];
    if (json) {
      stderr.write(`${JSON.stringify({ timings: steps })}\n`);
      return;
    }
    const column = (ms: number | undefined): string => (ms?.toFixed(1) ?? "").padStart(9);
    const lines = steps.map(({ step, atMs, tookMs }) => `${column(atMs)}${column(tookMs)}  ${step}`);
    stderr.write([`${"AT MS".padStart(9)}${"TOOK MS".padStart(9)}  STEP`, ...lines, ""].join("\n"));
  }

  #begin(step: string): () => void {
    const start = this.#clock.monotonic();
    const entry: Step = { step, atMs: rounded(start) };
    this.#steps.push(entry);
    return () => {
      entry.tookMs = rounded(this.#clock.monotonic() - start);
    };
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
