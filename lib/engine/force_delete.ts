import { type Clock, deadline } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import type { TaskApi } from "./task_api.ts";

/** Options of {@link forceDeleteTask}. */
export interface ForceDeleteOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Waits for a connection when there is none. Default false. */
  readonly waitForReady?: boolean | undefined;
}

const SIGKILL = 9;
/** How long a killed task may take to be gone. The kernel needs longer for a process that waits for a dead disk. */
const killMs = 10_000;
const retryMs = 50;

/**
 * Ends a task in whatever state it is and frees it. False when there was none.
 * KILL goes to all its processes: with `--pid host` the others would outlive the first.
 */
export async function forceDeleteTask(tasks: TaskApi, id: string, options: ForceDeleteOptions): Promise<boolean> {
  const { clock, signal, waitForReady } = options;
  const process = { containerId: id };
  using limit = deadline(killMs, signal);
  const bounded = { signal: limit.signal, waitForReady };
  for (;;) {
    try {
      await tasks.delete(process, bounded);
      return true;
    } catch (error) {
      if (isCode(error, "not_found")) return false;
      if (isCode(error, "deadline_exceeded") && !signal?.aborted) {
        throw new GantryError("deadline_exceeded", `container ${id} did not end within ${killMs} ms of KILL`, {
          cause: error,
          hint: "its process may be stuck in the kernel (state D), or its shim may hang: see `ps -o stat,wchan,cmd`",
        });
      }
      // Deleting what runs is refused, as failed_precondition or (1.6, by the shim) unknown.
      if (!isCode(error, "failed_precondition") && !isCode(error, "unknown")) throw error;
    }
    await tasks.kill(process, { signal: SIGKILL, all: true }, bounded).catch((error: unknown) => {
      // Gone between the two calls: the next delete says so.
      if (!isCode(error, "not_found")) throw error;
    });
    await Promise.race([
      tasks.wait(process, bounded).then(() => {}, () => {}),
      clock.sleep(retryMs * 20, { signal: limit.signal }).catch(() => {}),
    ]);
  }
}
