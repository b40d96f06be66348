import { SIGKILL } from "../base/signals.ts";
import { type Clock, deadline } from "../base/clock.ts";
import { isCode, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { Engine } from "./engine.ts";
import { untilAnswered } from "./outage.ts";
import type { ExecRef } from "./task_api.ts";
import { isStillRunning } from "./still_running.ts";

const log = getLogger("engine");

/** A KILL that has not ended it by then is sent again. */
const retryMs = 1000;
const pauseMs = 50;

/** Options of {@link endExec}. */
export interface EndExecOptions {
  readonly clock: Clock;
  /** How long all of it may take, milliseconds, a runtime that is away included. */
  readonly withinMs: number;
}

/** The calls that ending an exec takes. */
export type ExecCalls = Pick<Engine, "kill" | "wait" | "deleteExec">;

/**
 * Ends an exec in whatever state it is, and frees it. False when that was not known to be done in time; never rejects.
 * The shim's own wait for output that a child of it holds open (2 s, 10 s in 2.x) counts: it frees the exec in the end
 * though we have stopped listening.
 */
export async function endExec(engine: ExecCalls, ref: ExecRef, { clock, withinMs }: EndExecOptions): Promise<boolean> {
  using limit = deadline(withinMs);
  const options = { signal: limit.signal, patient: true };
  try {
    for (let refusals = 0;; refusals++) {
      // Told to have ended and refused all the same: not to be asked without a pause.
      if (refusals > 1) await clock.sleep(pauseMs, { signal: limit.signal });
      if (await untilAnswered(() => tryDelete(engine, ref, options), { clock, signal: limit.signal })) return true;
      await untilAnswered(() => kill(engine, ref, options), { clock, signal: limit.signal });
      using once = deadline(retryMs, limit.signal);
      await engine.wait(ref, { signal: once.signal }).catch(() => {});
      limit.signal.throwIfAborted();
    }
  } catch (error) {
    log.debug("an exec could not be freed", { exec: ref.execId, error: toGantryError(error) });
    return false;
  }
}

/** False when it still runs. */
async function tryDelete(
  engine: ExecCalls,
  ref: ExecRef,
  options: { readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await engine.deleteExec(ref, options);
    return true;
  } catch (error) {
    if (isStillRunning(error)) return false;
    throw error;
  }
}

async function kill(engine: ExecCalls, ref: ExecRef, options: { readonly signal: AbortSignal }): Promise<void> {
  try {
    await engine.kill(ref, { signal: SIGKILL }, options);
  } catch (error) {
    // It ended this moment.
    if (!isCode(error, "not_found") && !isCode(error, "failed_precondition")) throw error;
  }
}
