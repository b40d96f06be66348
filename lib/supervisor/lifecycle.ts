import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { type GantryError, messageOf, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type Child, type ChildEnd, describeEnd, terminate } from "./child.ts";
import { watchHealth } from "./health.ts";
import type { Launcher } from "./launcher.ts";
import { type Effect, type EndReason, type SupervisorEvent, type SupervisorState, transition } from "./machine.ts";
import type { SupervisorOptions } from "./options.ts";
import type { ContainerdProbe } from "./probe.ts";
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
  readonly #tasks = new Set<Promise<void>>();

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

  /** Resolves when all that was begun has ended. Only for the time after the end: before, a launch lasts for ever. */
  async settled(): Promise<void> {
    await Promise.all(this.#tasks);
  }

  /** Takes an event: changes the state, then performs the effects, whose outcomes are events again. */
  dispatch(event: SupervisorEvent): void {
    const before = this.#state;
    const { state, effects } = transition(before, event);
    this.#state = state;
    this.#note(event, before);
    if (state !== before) {
      log.debug("state", { from: before.name, to: state.name, event: event.type });
      this.#parts.changed();
    }
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    const task = this.#begin(effect)
      // What is expected to fail is an event; anything else is a mistake of ours, and must not take containerd down.
      ?.catch((error) => log.error("internal error", { effect: effect.type, error }))
      .finally(() => this.#tasks.delete(task ?? Promise.resolve()));
    if (task !== undefined) this.#tasks.add(task);
  }

  #begin(effect: Effect): Promise<void> | undefined {
    switch (effect.type) {
      case "launch":
        return this.#launch(effect.first);
      case "await_ready":
        return this.#awaitReady();
      case "serve":
        return this.#serve();
      case "replace":
        return this.#replace(effect.reason);
      case "terminate":
        return this.#terminate();
      case "recover":
        return this.#recover();
      case "cancel":
        this.#life.abort(new DOMException("superseded", "AbortError"));
        return undefined;
      case "finish":
        this.#parts.finish(effect.end);
        return undefined;
    }
  }

  async #launch(first: boolean): Promise<void> {
    this.#life = new AbortController();
    this.#version = undefined;
    let child: Child;
    try {
      child = await this.#parts.launcher.launch({ first, signal: this.#life.signal });
    } catch (error) {
      this.#launchError = toGantryError(error);
      return this.dispatch({ type: "launch_failed", why: this.#launchError.message });
    }
    this.#launchError = undefined;
    this.#child = child;
    this.dispatch({ type: "launched", adopted: child.adopted });
    this.#exited(await child.ended);
  }

  #exited(end: ChildEnd): void {
    this.#child = undefined;
    this.#probe = undefined;
    this.dispatch({ type: "exited", why: `it ended with ${describeEnd(end)}` });
  }

  async #awaitReady(): Promise<void> {
    const { signal } = this.#life;
    const child = this.#child;
    if (child === undefined) return;
    const { clock, launcher, connect, hasSocket, progress } = this.#parts;
    const { startTimeoutMs, healthTimeoutMs, cri } = this.#options;
    try {
      const { probe, version } = await awaitReady({
        clock,
        signal,
        connect,
        hasSocket,
        progress: () => progress(child),
        startTimeoutMs,
        questionMs: healthTimeoutMs,
        cri,
      });
      this.#probe = probe;
      this.#version = version;
      const confirmed = await launcher.confirm(child);
      if (signal.aborted) return probe.close();
      this.#child = confirmed;
      this.dispatch({ type: "ready" });
    } catch (error) {
      if (!signal.aborted) this.dispatch({ type: "stalled", why: messageOf(error) });
    }
  }

  async #serve(): Promise<void> {
    const { signal } = this.#life;
    const { clock, connect, hasSocket } = this.#parts;
    const { healthIntervalMs, healthTimeoutMs, healthFailures } = this.#options;
    this.#backoff.markUp();
    const probe = this.#probe ?? await connect();
    await watchHealth(probe, {
      clock,
      signal,
      connect,
      hasSocket,
      intervalMs: healthIntervalMs,
      timeoutMs: healthTimeoutMs,
      report: (why) =>
        this.dispatch(why === undefined ? { type: "healthy" } : { type: "unhealthy", why, limit: healthFailures }),
      disregarded: (why) => log.warning("a health check failed while gantry itself did not get to run", { why }),
    });
  }

  async #replace(reason: string): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const report = await this.#parts.examine(child, reason);
    log.error("containerd hangs and is ended", { pid: child.identity.pid, reason, report });
    await this.#terminate();
  }

  async #terminate(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const { stopTimeoutMs } = this.#options;
    const killed = await terminate(child, { clock: this.#parts.clock, stopTimeoutMs });
    if (killed) log.warning("containerd did not end on TERM and was killed", { afterMs: stopTimeoutMs });
  }

  async #recover(): Promise<void> {
    const { clock, beforeRestart, beforeRestartMs } = this.#parts;
    const { restartLimit = Infinity } = this.#options;
    const { signal } = this.#life = new AbortController();
    this.#delayMs = Math.round(this.#backoff.next());
    if (this.#backoff.failures > restartLimit) {
      const last = this.#lastFailure?.reason ?? "it ended";
      return this.dispatch({ type: "limit_reached", why: `${restartLimit} restarts in a row did not help: ${last}` });
    }
    // Written when the wait is not over at once.
    if (this.#delayMs > 0) this.#parts.changed();
    const salvage = async (): Promise<void> => {
      if (beforeRestart === undefined) return;
      const limit = { clock, ms: beforeRestartMs, what: "what is done before a restart", signal };
      await within(limit, beforeRestart).catch((error) => {
        if (!signal.aborted) log.warning("what is done before a restart failed", { error: messageOf(error) });
      });
    };
    try {
      await Promise.all([salvage(), this.#delayMs === 0 ? undefined : clock.sleep(this.#delayMs, { signal })]);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (signal.aborted) return;
    this.#restarts++;
    log.info("containerd is started again", { restarts: this.#restarts, delayMs: this.#delayMs });
    this.#delayMs = 0;
    this.dispatch({ type: "recovered" });
  }

  /** Remembers what went wrong. An end that was asked for is no failure. */
  #note(event: SupervisorEvent, before: SupervisorState): void {
    if (event.type === "ready") log.info("containerd serves", { version: this.#version });
    if (!("why" in event) || event.type === "limit_reached") return;
    if (!["launching", "starting", "serving"].includes(before.name)) return;
    this.#lastFailure = { at: new Date(this.#parts.clock.now()).toISOString(), reason: event.why };
    log.log(event.type === "unhealthy" ? "warning" : "error", `containerd: ${event.type}`, { why: event.why });
  }
}
