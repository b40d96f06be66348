import { type Clock, systemClock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import type { ExitStatus } from "../wire/task.ts";
import type { Engine, WaitOptions } from "./engine.ts";
import type { ProcessState } from "./task_api.ts";

/** What a container can be waited for to be. `stopped` and `exited` mean the same; docker and podman have one each. */
export const waitConditions = ["stopped", "exited", "created", "running", "paused", "removed"] as const;

/** One of {@link waitConditions}. */
export type WaitCondition = typeof waitConditions[number];

/** The verbs that waiting takes. */
export type WaitingVerbs = Pick<Engine, "record" | "state" | "wait">;

/** Options of {@link waitForCondition}. */
export interface WaitConditionOptions extends WaitOptions {
  /** Any of them will do. Default `stopped`. */
  readonly conditions?: readonly WaitCondition[] | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** How often a container is looked at, when its end is not all that is waited for. */
const pollMs = 100;

/**
 * Waits for a container to be in one of some conditions; at once when it is. Resolves to its exit, or to undefined when it
 * has none: it runs, or was removed and nobody saw how it ended. `not_found` when there is no such container, which
 * is what `removed` waits for; `failed_precondition` when only its end is waited for and it has not been started.
 */
export async function waitForCondition(
  engine: WaitingVerbs,
  id: string,
  options: WaitConditionOptions = {},
): Promise<ExitStatus | undefined> {
  const { conditions = ["stopped"], signal, onOutage } = options;
  if (conditions.every((condition) => condition === "stopped" || condition === "exited")) {
    return await untilStopped(engine, id, options);
  }
  // What ends, and is removed, between two looks is seen by this.
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  try {
    return await new ConditionWatch(engine, id, { ...options, conditions, signal: either, onOutage }).reached();
  } finally {
    over.abort();
  }
}

/** One RPC, also when it has ended. */
async function untilStopped(
  engine: WaitingVerbs,
  id: string,
  { signal, onOutage }: WaitConditionOptions,
): Promise<ExitStatus> {
  try {
    return await engine.wait({ containerId: id }, { signal, onOutage });
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
    // Without a record too, the error of this call says it best.
    await engine.record(id, { signal });
    throw new GantryError("failed_precondition", `container ${id} does not run, and has no exit code`, {
      cause: error,
      hint: "it was never started, or its exit was lost; `gantry wait --condition running` waits for its start",
    });
  }
}

/** One look at a container. */
interface Look {
  /** False when there is no such container. */
  readonly stored: boolean;
  /** Undefined without a task. */
  readonly state: ProcessState | undefined;
}

class ConditionWatch {
  readonly #engine: WaitingVerbs;
  readonly #id: string;
  readonly #options: WaitConditionOptions & { readonly conditions: readonly WaitCondition[] };
  readonly #clock: Clock;
  /** The end of what runs, once something was seen to run. */
  #exit: Promise<ExitStatus | undefined> | undefined;
  #following = false;

  constructor(
    engine: WaitingVerbs,
    id: string,
    options: WaitConditionOptions & { readonly conditions: readonly WaitCondition[] },
  ) {
    this.#engine = engine;
    this.#id = id;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async reached(): Promise<ExitStatus | undefined> {
    const { signal } = this.#options;
    const first = await this.#look();
    if (!first.stored && !this.#waitsFor("removed")) return await this.#missing();
    for (let look = first;; look = await this.#look()) {
      if (this.#isReached(look, first)) return look.state?.exit ?? await this.#lastExit(look);
      if (!look.stored) return await this.#missing();
      this.#follow(look);
      const pause = this.#clock.sleep(pollMs, { signal }).then(() => undefined);
      pause.catch(() => {});
      if (this.#waitsFor("stopped", "exited")) {
        const exit = await Promise.race([this.#exit ?? pause, pause]);
        if (exit !== undefined) return exit;
      }
      await pause;
    }
  }

  #isReached({ stored, state }: Look, first: Look): boolean {
    if (!stored) return this.#waitsFor("removed");
    switch (state?.status) {
      case undefined:
      case "created":
        return this.#waitsFor("created");
      case "running":
        return this.#waitsFor("running");
      case "paused":
        return this.#waitsFor("paused");
      case "stopped":
        // It ran between two looks if it has ended since the first.
        return this.#waitsFor("stopped", "exited") ||
          (this.#waitsFor("running") && state.exit?.exitedAt !== first.state?.exit?.exitedAt);
      default:
        return false;
    }
  }

  #waitsFor(...conditions: readonly WaitCondition[]): boolean {
    return conditions.some((condition) => this.#options.conditions.includes(condition));
  }

  async #look(): Promise<Look> {
    const { signal } = this.#options;
    const [stored, state] = await Promise.all([
      orMissing(this.#engine.record(this.#id, { signal })),
      orMissing(this.#engine.state({ containerId: this.#id }, { signal })),
    ]);
    return { stored: stored !== undefined, state };
  }

  /** Has the end of what runs told, so that it is known when the container has been removed. */
  #follow({ state }: Look): void {
    if (state === undefined || !this.#waitsFor("stopped", "exited", "removed")) return;
    if (state.status === "stopped") this.#exit = Promise.resolve(state.exit);
    else if (!this.#following) {
      this.#following = true;
      const { signal, onOutage } = this.#options;
      this.#exit = this.#engine.wait({ containerId: this.#id }, { signal, onOutage }).catch(() => undefined)
        .finally(() => this.#following = false);
    }
  }

  async #lastExit({ stored }: Look): Promise<ExitStatus | undefined> {
    return stored ? undefined : await this.#exit;
  }

  async #missing(): Promise<never> {
    // The error of this call says it best.
    await this.#engine.record(this.#id, { signal: this.#options.signal });
    throw new GantryError("not_found", `container ${this.#id} was removed`);
  }
}

async function orMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCode(error, "not_found")) return undefined;
    throw error;
  }
}
