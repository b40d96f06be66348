import { SIGKILL } from "../base/signals.ts";
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
  /**
   * Ends the shim of a task, for one that does not answer, and waits for what the runtime does about that. False when it
   * has none. Default: such a task is an error.
   */
  readonly endShim?: ((id: string, signal: AbortSignal) => Promise<boolean>) | undefined;
}

interface Bounded {
  readonly signal: AbortSignal;
  readonly waitForReady: boolean | undefined;
}

/** How long a killed task may take to be gone. The kernel needs longer for a process that waits for a dead disk. */
const killMs = 12_000;
/** A KILL that has not ended its task by then is sent again. */
const retryMs = 1000;
/**
 * How long a shim may take for one call. A healthy one needs some 20 ms, but waits 2 s (10 s in 2.x) in Delete for output
 * that nobody takes: that is no reason to wait for it.
 */
const answerMs = 3000;
/** A runtime that cannot even say that a shim is silent, which takes containerd 2 s, has a trouble of its own. */
const stateMs = 5000;

/** How a task ended: its shim freed it, or was ended itself and may have left something; or there was none. */
export type TaskEnd = "deleted" | "shim_ended" | "none";

/**
 * Ends a task in whatever state it is and frees it.
 * KILL goes to all its processes: with `--pid host` the others would outlive the first.
 */
export async function forceDeleteTask(tasks: EndingCalls, id: string, options: ForceDeleteOptions): Promise<TaskEnd> {
  const { clock, signal, waitForReady, endShim } = options;
  const process = { containerId: id };
  using limit = deadline(killMs, signal);
  const bounded = { signal: limit.signal, waitForReady };
  let shimEnded = false;
  try {
    for (;;) {
      const status = await statusOf(tasks, process, bounded);
      // A task that was made and never started is deleted without a word of refusal, but only after its shim has waited
      // 2 s (10 s in 2.x) for output to end that its frozen `runc init` will never close.
      const end = status === "unknown" ? "silent" : await tryToEnd(tasks, process, { ...bounded, status, clock });
      if (end === "deleted") return end;
      if (end === "silent") {
        if (endShim !== undefined && await endShim(id, limit.signal)) shimEnded = true;
        else await endProcesses(tasks, process, { ...bounded, status, clock });
      }
    }
  } catch (error) {
    if (isCode(error, "not_found")) return shimEnded ? "shim_ended" : "none";
    if (signal?.aborted || !(limit.signal.aborted || isCode(error, "deadline_exceeded"))) throw error;
    throw new GantryError("deadline_exceeded", `container ${id} did not end within ${killMs} ms of KILL`, {
      cause: error,
      hint: "its process may be stuck in the kernel (state D), or its shim may hang: see `ps -o stat,wchan,cmd`",
    });
  }
}

/** A shim that hangs is asked for 2 s by containerd, and is then reported as an error of no class, or its task as unknown. */
async function statusOf(tasks: EndingCalls, process: ProcessRef, bounded: Bounded): Promise<TaskStatus> {
  const patience = bounded.waitForReady === true ? {} : { deadlineMs: stateMs };
  try {
    return (await tasks.state(process, { ...bounded, ...patience })).status;
  } catch (error) {
    if (isCode(error, "unknown")) return "unknown";
    throw error;
  }
}

/** One attempt. `silent` when its shim did not answer a call in time. */
async function tryToEnd(
  tasks: EndingCalls,
  process: ProcessRef,
  options: Bounded & { readonly clock: Clock; readonly status: TaskStatus },
): Promise<"deleted" | "lives" | "silent"> {
  const { signal, waitForReady, status } = options;
  try {
    if (status !== "stopped") await endProcesses(tasks, process, options);
    await tasks.delete(process, { signal, waitForReady, deadlineMs: answerMs });
    return "deleted";
  } catch (error) {
    // Deleting what runs is refused, as failed_precondition or (1.6, by the shim) unknown.
    if (isCode(error, "failed_precondition") || isCode(error, "unknown")) return "lives";
    if (isCode(error, "deadline_exceeded") && !signal.aborted) return "silent";
    throw error;
  }
}

async function endProcesses(
  tasks: EndingCalls,
  process: ProcessRef,
  options: Bounded & { readonly clock: Clock; readonly status: TaskStatus },
): Promise<void> {
  const { signal, waitForReady } = options;
  const call = { signal, waitForReady, deadlineMs: answerMs };
  try {
    await tasks.kill(process, { signal: SIGKILL, all: true }, call);
    // On cgroup v1 a signal to a frozen process stays pending.
    if (options.status === "paused") await tasks.resume(process.containerId, call);
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
