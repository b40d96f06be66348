import type { Clock } from "../base/clock.ts";
import { GantryError, isCode, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { ExitStatus } from "../wire/task.ts";
import { isAnswer, outageBackoff } from "./outage.ts";
import type { ProcessRef, TaskApi } from "./task_api.ts";

const log = getLogger("engine");

/** Somebody else who sees how a process ends: its shim. */
export interface Witness {
  /** Resolves with the exit; with undefined when the witness is gone or knows no such process. */
  readonly exit: Promise<ExitStatus | undefined>;
  /** Whether it still answers. */
  answers(): Promise<boolean>;
}

/** Options of {@link waitThroughOutages}. */
export interface WaitOptions {
  readonly clock: Clock;
  /** Ends the waiting, not the process. */
  readonly signal?: AbortSignal | undefined;
  /** Called at the start of an outage with its cause, e.g. to tell the user that the container runs on. */
  readonly onOutage?: ((cause: GantryError) => void) | undefined;
  /**
   * Finds somebody else who sees the exit, called in an outage while there is none: whoever answers first counts.
   * Undefined when there is nobody. Whoever it gives must live until the waiting ends.
   */
  readonly salvage?: ((process: ProcessRef) => Promise<Witness | undefined>) | undefined;
}

/** How long a witness may be silent, once the runtime has forgotten the process, before it is asked whether it lives. */
const silenceMs = 2000;

/**
 * Waits for a process to end, across restarts of containerd: its containers go on without it, so a broken connection says
 * nothing about the process. A containerd that comes back may have thrown the task away (1.7 and later do when its
 * process ended meanwhile); an exit that nobody saw is told as code 255, inexact, and never as success.
 */
export async function waitThroughOutages(
  tasks: Pick<TaskApi, "wait">,
  process: ProcessRef,
  options: WaitOptions,
): Promise<ExitStatus> {
  const { clock, signal } = options;
  const backoff = outageBackoff(clock);
  const salvage = new Salvage(process, options);
  for (;;) {
    // Whoever answers first: the other call is given up.
    const attempt = new AbortController();
    try {
      const waiting = tasks.wait(process, {
        signal: signal === undefined ? attempt.signal : AbortSignal.any([attempt.signal, signal]),
        waitForReady: salvage.inOutage,
      });
      return await firstToTell(waiting, salvage.exit);
    } catch (thrown) {
      const error = toGantryError(thrown);
      if (signal?.aborted) throw error;
      if (isCode(error, "not_found") && salvage.inOutage) return await salvage.lastWord() ?? lost(process, clock);
      if (isAnswer(error)) throw error;
      salvage.outage(error);
      log.debug("wait was cut off, asking again", { container: process.containerId, reason: error.message });
      await clock.sleep(backoff.next(), { signal });
    } finally {
      attempt.abort();
    }
  }
}

/** What others tell about a process while the runtime is away. */
class Salvage {
  readonly #process: ProcessRef;
  readonly #options: WaitOptions;
  #witness: Promise<Witness | undefined> | undefined;
  #exit: Promise<ExitStatus | undefined> | undefined;

  constructor(process: ProcessRef, options: WaitOptions) {
    this.#process = process;
    this.#options = options;
  }

  /** True from the first outage on. */
  get inOutage(): boolean {
    return this.#witness !== undefined;
  }

  /** What the witness sees; undefined before an outage. */
  get exit(): Promise<ExitStatus | undefined> | undefined {
    return this.#exit;
  }

  /** The runtime went away: looks for a witness unless there is one. */
  outage(cause: GantryError): void {
    if (this.#witness === undefined) this.#options.onOutage?.(cause);
    this.#witness = this.#find(this.#witness).catch(() => undefined);
    this.#exit = this.#witness.then((witness) => witness?.exit).catch(() => undefined);
  }

  /** The witness of the last outage if it still answers, else another. */
  async #find(before: Promise<Witness | undefined> | undefined): Promise<Witness | undefined> {
    const known = await before;
    if (known !== undefined && await known.answers()) return known;
    return await this.#options.salvage?.(this.#process);
  }

  /** The runtime knows the process no more. A witness that hangs must not make us wait for ever. */
  async lastWord(): Promise<ExitStatus | undefined> {
    const { clock, signal } = this.#options;
    const witness = await this.#witness;
    if (witness === undefined) return await this.#exit;
    for (;;) {
      const done = new AbortController();
      const silence = clock.sleep(silenceMs, { signal: done.signal }).then(() => "silent" as const, () => undefined);
      const told = await Promise.race([witness.exit, silence]);
      done.abort();
      signal?.throwIfAborted();
      if (told !== "silent") return told;
      if (!await witness.answers()) return undefined;
    }
  }
}

async function firstToTell(
  waiting: Promise<ExitStatus>,
  salvaged: Promise<ExitStatus | undefined> | undefined,
): Promise<ExitStatus> {
  if (salvaged === undefined) return await waiting;
  const { promise, resolve, reject } = Promise.withResolvers<ExitStatus>();
  salvaged.then((exit) => exit === undefined ? undefined : resolve(exit));
  waiting.then(resolve, reject);
  return await promise;
}

function lost(process: ProcessRef, clock: Clock): ExitStatus {
  log.warning("the exit status was lost: containerd forgot the task while it was restarted", {
    container: process.containerId,
  });
  return { code: 255, exitedAt: clock.now(), exact: false };
}
