import { type Clock, deadline } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import type { ProcessState, TaskApi } from "./task_api.ts";

/** Options of {@link listTasks}. */
export interface ListTasksOptions extends Pick<CallOptions, "signal" | "waitForReady"> {
  readonly clock: Clock;
  /** Ids of the containers to be listed. */
  readonly ids: () => Promise<readonly string[]>;
}

/** A list of healthy shims, however many, is there long before. */
const patienceMs = 400;
/** What a shim has to answer within, all in all. */
const limitMs = 2000;

/**
 * The state of every task. One call; but containerd asks shim after shim and gives each that hangs two seconds, so when the
 * list is late each container is asked for by itself, and one that has not answered in time is `unknown`.
 */
export async function listTasks(
  tasks: Pick<TaskApi, "list" | "state">,
  options: ListTasksOptions,
): Promise<readonly ProcessState[]> {
  const { clock, signal, waitForReady } = options;
  using limit = deadline(limitMs, signal);
  const over = new AbortController();
  const listing = tasks.list({ signal: over.signal, waitForReady });
  listing.catch(() => {});
  const onAbort = (): void => over.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const late = clock.sleep(patienceMs, { signal: over.signal }).then(() => undefined);
    late.catch(() => {});
    const early = await Promise.race([listing, late]);
    if (early !== undefined) return early;
    const each = askEach(tasks, { ...options, signal: limit.signal });
    // The list may still come first: it is whole, while a container that is asked for too late is unknown.
    return await Promise.race([listing, each]);
  } finally {
    over.abort();
    signal?.removeEventListener("abort", onAbort);
  }
}

async function askEach(
  tasks: Pick<TaskApi, "state">,
  { ids, signal }: ListTasksOptions,
): Promise<readonly ProcessState[]> {
  const states = (await ids()).map(async (containerId) => {
    try {
      return await tasks.state({ containerId }, { signal });
    } catch (error) {
      if (isCode(error, "not_found")) return undefined;
      return unknownState(containerId);
    }
  });
  return (await Promise.all(states)).filter((state) => state !== undefined);
}

function unknownState(containerId: string): ProcessState {
  return {
    containerId,
    pid: 0,
    status: "unknown",
    stdio: { stdin: "", stdout: "", stderr: "", terminal: false },
  };
}
