import { type Clock, deadline } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import type { TaskStatus } from "../wire/task.ts";
import type { ProcessRef, TaskApi } from "./task_api.ts";

/** The calls that ending a task takes. */
export type EndingCalls = Pick<TaskApi, "state" | "wait" | "kill" | "resume" | "delete">;

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
export async function forceDeleteTask(tasks: EndingCalls, id: string, options: ForceDeleteOptions): Promise<boolean> {
  const { clock, signal, waitForReady } = options;
  const process = { containerId: id };
  using limit = deadline(killMs, signal);
  const bounded = { signal: limit.signal, waitForReady };
  try {
    for (;;) {
      const status = await statusOf(tasks, process, bounded);
      // A task that was made and never started is deleted without a word of refusal, but only after its shim has waited
      // 2 s (10 s in 2.x) for output to end that its frozen `runc init` will never close.
      if (status !== "stopped") await endProcesses(tasks, process, { ...bounded, status, clock });
      if (await tryDelete(tasks, process, bounded)) return true;
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

async function statusOf(tasks: EndingCalls, process: ProcessRef, bounded: Bounded): Promise<TaskStatus> {
  try {
    return (await tasks.state(process, bounded)).status;
  } catch (error) {
    // A shim that hangs is asked for 2 s by containerd, and then reported as an error of no class.
    if (isCode(error, "unknown")) return "unknown";
    throw error;
  }
}

/** False when it still runs. */
async function tryDelete(tasks: EndingCalls, process: ProcessRef, bounded: Bounded): Promise<boolean> {
  try {
    await tasks.delete(process, bounded);
    return true;
  } catch (error) {
    // Deleting what runs is refused, as failed_precondition or (1.6, by the shim) unknown.
    if (isCode(error, "failed_precondition") || isCode(error, "unknown")) return false;
    throw error;
  }
}

async function endProcesses(
  tasks: EndingCalls,
  process: ProcessRef,
  options: Bounded & { readonly clock: Clock; readonly status: TaskStatus },
): Promise<void> {
  try {
    await tasks.kill(process, { signal: SIGKILL, all: true }, options);
    // On cgroup v1 a signal to a frozen process stays pending.
    if (options.status === "paused") await tasks.resume(process.containerId, options);
  } catch (error) {
    // It ended between the calls, or it has nothing to kill any more: the next look says so.
    if (!isCode(error, "not_found") && !isCode(error, "failed_precondition") && !isCode(error, "unknown")) throw error;
  }
  await untilEnded(tasks, process, options);
}

/** Waits for its end, for a while. */
async function untilEnded(
  tasks: EndingCalls,
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
