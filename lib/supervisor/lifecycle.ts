import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { type GantryError, messageOf, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type Child, type ChildEnd, describeEnd, terminate } from "./child.ts";
import { watchHealth } from "./health.ts";
import type { Launcher } from "./launcher.ts";
import { type Effect, type EndReason, type SupervisorEvent, type SupervisorState, transition } from "./machine.ts";
import type { SupervisorOptions } from "./options.ts";
import type { ContainerdProbe, ProbeFactory } from "./probe.ts";
import type { Progress } from "./progress.ts";
import { awaitReady } from "./readiness.ts";
import type { LastFailure } from "./status.ts";
import { within } from "./time_limit.ts";

/** What a {@link Lifecycle} works with: everything outside of it. */
export interface LifecycleParts {
  readonly clock: Clock;
  /** 0 to below 1, for jitter; default Math.random. */
  readonly random?: (() => number) | undefined;
  readonly launcher: Launcher;
  /** Opens a new connection to containerd. */
  readonly connect: () => Promise<ContainerdProbe>;
  readonly hasSocket: () => boolean;
  readonly progress: (child: Child) => Progress;
  /** Writes down what a hanging containerd is doing; gives the path. */
  readonly examine: (child: Child, reason: string) => Promise<string | undefined>;
  /** Awaited between the death of a containerd and the start of the next, within its time limit. */
  readonly beforeRestart?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Time limit of `beforeRestart`, milliseconds. */
  readonly beforeRestartMs: number;
  /** Called after each change of state. */
  readonly changed: () => void;
  /** Called once, at the end. */
  readonly finish: (end: EndReason) => void;
}

const log = getLogger("supervisor");

/** One effect that is performed; its failure is an event, so nobody awaits it. */
type Performers = { readonly [T in Effect["type"]]: (effect: Extract<Effect, { type: T }>) => void };

/** Delays between restarts: none, then half a second doubling to half a minute, each shortened by up to a quarter. */
const backoffPolicy = { initialMs: 500, factor: 2, maxMs: 30_000, jitter: 0.25, immediateFirst: true } as const;

/** Runs the state machine: performs its effects and feeds their outcomes back as events. */
export class Lifecycle {
  readonly #options: SupervisorOptions;
  readonly #parts: LifecycleParts;
  readonly #backoff: Backoff;
  #state: SupervisorState = { name: "down" };
  /** Aborted when what was begun for the present containerd no longer matters. */
  #life = new AbortController();
  #child: Child | undefined;
  #probe: ContainerdProbe | undefined;
  #version: string | undefined;
  #restarts = 0;
  #delayMs = 0;
  #lastFailure: LastFailure | undefined;
  #launchError: GantryError | undefined;

  constructor(options: SupervisorOptions, parts: LifecycleParts) {
    const { clock, random } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#backoff = new Backoff({ ...backoffPolicy, resetAfterMs: options.stableMs }, { clock, random });
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** The containerd that runs; undefined when none does. */
  get child(): Child | undefined {
    return this.#child;
  }

  /** Its version, as far as it is known. */
  get version(): string | undefined {
    return this.#child === undefined ? undefined : this.#version ?? (this.#child.version || undefined);
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** The wait before the next start, milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  get lastFailure(): LastFailure | undefined {
    return this.#lastFailure;
  }

  /** Why the last launch could not be made, as it was thrown. */
  get launchError(): GantryError | undefined {
    return this.#launchError;
  }

  /** Takes an event: changes the state, then performs the effects. */
  dispatch(event: SupervisorEvent): void {
    const before = this.#state;
    const { state, effects } = transition(before, event);
    this.#state = state;
    if ("why" in event) this.#noteFailure(event, before);
    if (state !== before) log.debug("state", { from: before.name, to: state.name, event: event.type });
    if (state !== before) this.#parts.changed();
    for (const effect of effects) this.#perform(effect);
  }

  #perform<T extends Effect["type"]>(effect: Extract<Effect, { type: T }> & { readonly type: T }): void {
    const performers: Performers = this.#performers;
    performers[effect.type](effect);
  }

  readonly #performers: Performers = {
    launch: ({ first }) => void this.#launch(first),
    await_ready: () => void this.#awaitReady(),
    serve: () => void this.#serve(),
    replace: ({ reason }) => void this.#replace(reason),
    terminate: () => void this.#terminate(),
    recover: ({ reason }) => void this.#recover(reason),
    cancel: () => this.#life.abort(new DOMException("superseded", "AbortError")),
    finish: ({ end }) => this.#parts.finish(end),
  };
}
