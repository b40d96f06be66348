import { type Clock, deadline } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import type { ProcessRef, TaskApi } from "./task_api.ts";

/** Options of {@link forceDeleteTask}. */
export interface ForceDeleteOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Waits for a connection when there is none. Default false. */
  readonly waitForReady?: boolean | undefined;
}

interface Bounded {
  readonly signal: AbortSignal;
  readonly waitForReady: boolean | undefined;
}

const SIGKILL = 9;
/** How long a killed task may take to be gone. The kernel needs longer for a process that waits for a dead disk. */
const killMs = 20_000;
/** A KILL that has not ended its task by then is sent again. */
const retryMs = 1000;

/**
 * Ends a task in whatever state it is and frees it. False when there was none.
 * KILL goes to all its processes: with `--pid host` the others would outlive the first.
 */
export async function forceDeleteTask(tasks: TaskApi, id: string, options: ForceDeleteOptions): Promise<boolean> {
  const { clock, signal, waitForReady } = options;
  const process = { containerId: id };
  using limit = deadline(killMs, signal);
  const bounded = { signal: limit.signal, waitForReady };
  try {
    for (;;) {
      if (await tryDelete(tasks, process, bounded)) return true;
      await killAll(tasks, process, bounded);
      await untilEnded(tasks, process, { ...bounded, clock });
    }
  } catch (error) {
    if (isCode(error, "not_found")) return false;
    if (!limit.signal.aborted || signal?.aborted) throw error;
    throw new GantryError("deadline_exceeded", `container ${id} did not end within ${killMs} ms of KILL`, {
      cause: error,
      hint: "its process may be stuck in the kernel (state D), or its shim may hang: see `ps -o stat,wchan,cmd`",
    });
  }
}

/** False when it still runs. */
async function tryDelete(tasks: TaskApi, process: ProcessRef, bounded: Bounded): Promise<boolean> {
  try {
    await tasks.delete(process, bounded);
    return true;
  } catch (error) {
    // Deleting what runs is refused, as failed_precondition or (1.6, by the shim) unknown.
    if (isCode(error, "failed_precondition") || isCode(error, "unknown")) return false;
    throw error;
  }
}

async function killAll(tasks: TaskApi, process: ProcessRef, bounded: Bounded): Promise<void> {
  try {
    await tasks.kill(process, { signal: SIGKILL, all: true }, bounded);
    // On cgroup v1 a signal to a frozen process stays pending.
    if ((await tasks.state(process, bounded)).status === "paused") await tasks.resume(process, bounded);
  } catch (error) {
    // It ended between the calls, or it has nothing to kill any more: the next delete says so.
    if (!isCode(error, "not_found") && !isCode(error, "failed_precondition") && !isCode(error, "unknown")) throw error;
  }
}

/** Waits for its end, for a while. */
async function untilEnded(
  tasks: TaskApi,
  process: ProcessRef,
  options: Bounded & { readonly clock: Clock },
): Promise<void> {
  const { clock, signal, waitForReady } = options;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  await Promise.race([
    tasks.wait(process, { signal: either, waitForReady }).then(() => {}, () => clock.sleep(100, { signal: either })),
    clock.sleep(retryMs, { signal: either }),
  ]).catch(() => {});
  over.abort();
  signal.throwIfAborted();
}
