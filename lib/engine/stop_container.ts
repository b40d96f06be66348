import { type Clock, deadline, systemClock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { SIGKILL, signalName, signalNumber } from "../base/signals.ts";
import type { ExitStatus, TaskStatus } from "../wire/task.ts";
import { labelKeys } from "./container_plan.ts";
import type { Engine } from "./engine.ts";
import type { ProcessRef } from "./task_api.ts";

/** The verbs that stopping takes. */
export type StoppingVerbs = Pick<Engine, "record" | "state" | "wait" | "kill" | "resume">;

/** Options of {@link stopContainer}. */
export interface StopOptions {
  /** Signal of the polite stop, by name or number; default what the container was made with, else TERM. */
  readonly stopSignal?: string | undefined;
  /** Milliseconds from that to KILL, `Infinity` for never; default what the container was made with, else 10 s. */
  readonly timeoutMs?: number | undefined;
  /** Ends the stopping; what was signalled stays so. */
  readonly signal?: AbortSignal | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

const SIGTERM = 15;
const defaultGraceMs = 10_000;
/** How long a shim may take for one signal; the kernel and runc take some 20 ms. */
const answerMs = 5000;
/** How long a killed process may take to be gone. The kernel needs longer for one that waits for a dead disk. */
const killMs = 10_000;
/** What containerd's own client calls the stop signal of an image. */
const imageStopSignal = "io.containerd.image.config.stop-signal";

/**
 * Stops a container: its stop signal, and KILL to all its processes when it has not ended in time. Resolves to its exit;
 * to undefined when it did not run, which is no error. `not_found` when there is no such container;
 * `deadline_exceeded` when not even KILL ends it, or its shim does not answer.
 */
export async function stopContainer(
  engine: StoppingVerbs,
  id: string,
  options: StopOptions = {},
): Promise<ExitStatus | undefined> {
  const stopping = new Stopping(engine, id, options);
  const [{ labels }, status] = await Promise.all([
    engine.record(id, { signal: options.signal }),
    stopping.status(),
  ]);
  if (status === undefined || status === "stopped" || status === "created") return undefined;
  const { timeoutMs = stopTimeoutOf(labels) } = options;
  const stopSignal = options.stopSignal === undefined ? stopSignalOf(labels) : signalNumber(options.stopSignal);
  return await stopping.stop(stopSignal, { status, graceMs: timeoutMs });
}

/** Number of the stop signal of a container with these labels; TERM for none, and for what is no signal. */
export function stopSignalOf(labels: Readonly<Record<string, string>>): number {
  const name = labels[labelKeys.stopSignal] ?? labels[imageStopSignal];
  try {
    return name === undefined ? SIGTERM : signalNumber(name);
  } catch {
    // Labels can be changed by anybody who talks to containerd.
    return SIGTERM;
  }
}

/** Milliseconds between the stop signal and KILL of a container with these labels; `Infinity` for never. */
export function stopTimeoutOf(labels: Readonly<Record<string, string>>): number {
  const text = labels[labelKeys.stopTimeout];
  if (text === undefined || !/^-?[0-9]+$/.test(text)) return defaultGraceMs;
  const seconds = Number(text);
  return seconds < 0 ? Infinity : seconds * 1000;
}

class Stopping {
  readonly #engine: StoppingVerbs;
  readonly #process: ProcessRef;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;

  constructor(engine: StoppingVerbs, id: string, { signal, clock = systemClock }: StopOptions) {
    this.#engine = engine;
    this.#process = { containerId: id };
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Undefined without a task; `unknown` when its shim does not answer containerd within 2 s, which may pass. */
  async status(): Promise<TaskStatus | undefined> {
    try {
      return (await this.#bounded((signal) => this.#engine.state(this.#process, { signal }))).status;
    } catch (error) {
      if (isCode(error, "not_found")) return undefined;
      const late = isCode(error, "unknown") || isCode(error, "deadline_exceeded");
      if (late && this.#signal?.aborted !== true) return "unknown";
      throw error;
    }
  }

  async stop(
    stopSignal: number,
    { status, graceMs }: { readonly status: TaskStatus; readonly graceMs: number },
  ): Promise<ExitStatus | undefined> {
    const over = new AbortController();
    const signal = this.#signal === undefined ? over.signal : AbortSignal.any([over.signal, this.#signal]);
    // On the wire before the signal: whoever removes the container when it ends cannot take its exit from us.
    const exit = this.#engine.wait(this.#process, { signal }).catch((error: unknown) => {
      if (isCode(error, "not_found")) return undefined;
      throw error;
    });
    exit.catch(() => {});
    try {
      await this.#send(stopSignal, status);
      const ended = await this.#within(graceMs, exit);
      if (ended !== "late") return ended;
      await this.#send(SIGKILL, await this.status());
      const killed = await this.#within(killMs, exit);
      if (killed !== "late") return killed;
    } finally {
      over.abort();
    }
    throw new GantryError("deadline_exceeded", `container ${this.#id} did not end within ${killMs} ms of KILL`, {
      hint: "its process may be stuck in the kernel (state D): see `ps -o stat,wchan,cmd`",
    });
  }

  /** Signals the process; KILL goes to all of them. One that has ended needs no signal. */
  async #send(number: number, status: TaskStatus | undefined): Promise<void> {
    const request = number === SIGKILL ? { signal: number, all: true } : { signal: number };
    try {
      await this.#bounded((signal) => this.#engine.kill(this.#process, request, { signal }));
      // A signal to a frozen process stays pending (on cgroup v1 KILL too).
      if (status === "paused" || status === "pausing") await this.#resume();
    } catch (error) {
      // It ended between the calls: its exit says so.
      if (isCode(error, "not_found") || isCode(error, "failed_precondition")) return;
      if (!isCode(error, "deadline_exceeded") || this.#signal?.aborted) throw error;
      throw new GantryError(
        "deadline_exceeded",
        `the shim of container ${this.#id} does not take ${signalName(number)}`,
        {
          cause: error,
          hint: `remove the container by force: gantry rm -f ${this.#id.slice(0, 12)}`,
        },
      );
    }
  }

  async #resume(): Promise<void> {
    try {
      await this.#bounded((signal) => this.#engine.resume(this.#id, { signal }));
    } catch (error) {
      // runc thaws what it kills: then it has ended by now, or runs already, and the shim refuses with an error of no class.
      if (!isCode(error, "unknown")) throw error;
    }
  }

  get #id(): string {
    return this.#process.containerId;
  }

  async #within(ms: number, exit: Promise<ExitStatus | undefined>): Promise<ExitStatus | undefined | "late"> {
    const done = new AbortController();
    const late = this.#clock.sleep(ms, { signal: done.signal }).then(() => "late" as const);
    late.catch(() => {});
    try {
      return await Promise.race([exit, late]);
    } finally {
      done.abort();
    }
  }

  async #bounded<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using limit = deadline(answerMs, this.#signal);
    return await call(limit.signal);
  }
}
