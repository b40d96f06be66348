import type { Clock } from "../base/clock.ts";
import { GantryError, isCode, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { ExitStatus } from "../wire/task.ts";
import { isAnswer, outageBackoff } from "./outage.ts";
import type { ProcessRef, TaskApi } from "./task_api.ts";

const log = getLogger("engine");

/** Options of {@link waitThroughOutages}. */
export interface WaitOptions {
  readonly clock: Clock;
  /** Ends the waiting, not the process. */
  readonly signal?: AbortSignal | undefined;
  /** Called once an outage with its cause, e.g. to tell the user that the container runs on. */
  readonly onOutage?: ((cause: GantryError) => void) | undefined;
  /**
   * Asks somebody else for the exit (the shim), called once at the start of an outage: what it sees counts, whoever answers
   * first. Undefined when it cannot tell.
   */
  readonly salvage?: ((process: ProcessRef) => Promise<ExitStatus | undefined>) | undefined;
}

/**
 * Waits for a process to end, across restarts of containerd: its containers go on without it, so a broken connection says
 * nothing about the process. A containerd that comes back may have thrown the task away (1.7 and later do when
 * its process ended meanwhile); an exit that nobody saw is told as code 255, inexact, and never as success.
 */
export async function waitThroughOutages(
  tasks: Pick<TaskApi, "wait">,
  process: ProcessRef,
  options: WaitOptions,
): Promise<ExitStatus> {
  const { clock, signal } = options;
  const backoff = outageBackoff(clock);
  let salvaged: Promise<ExitStatus | undefined> | undefined;
  for (;;) {
    // Whoever answers first: the other call is given up.
    const attempt = new AbortController();
    try {
      const waiting = tasks.wait(process, {
        signal: signal === undefined ? attempt.signal : AbortSignal.any([attempt.signal, signal]),
        waitForReady: salvaged !== undefined,
      });
      return await firstToTell(waiting, salvaged);
    } catch (thrown) {
      const error = toGantryError(thrown);
      if (signal?.aborted) throw error;
      if (isCode(error, "not_found") && salvaged !== undefined) return await salvaged ?? lost(process, clock);
      if (isAnswer(error)) throw error;
      if (salvaged === undefined) {
        options.onOutage?.(error);
        salvaged = (options.salvage?.(process) ?? Promise.resolve(undefined)).catch(() => undefined);
      }
      log.debug("wait was cut off, asking again", { container: process.containerId, reason: error.message });
      await clock.sleep(backoff.next(), { signal });
    } finally {
      attempt.abort();
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
