import { type Clock, deadline } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { unknownState } from "../wire/process_reply.ts";
import type { ProcessState, TaskApi } from "./task_api.ts";

/** Options of {@link listTasks}. */
export interface ListTasksOptions extends Pick<CallOptions, "signal" | "waitForReady"> {
  readonly clock: Clock;
  /** Ids of the containers to be listed. */
  readonly ids: () => Promise<readonly string[]>;
}

/** A list of healthy shims, however many, is there long before. */
const patienceMs = 400;
/** What a shim has to answer within, from the moment on that the list is late. A healthy one takes a millisecond. */
const limitMs = 1100;

/**
 * The state of every task. One call; but containerd asks shim after shim, gives each that hangs two seconds, and then leaves
 * it out. So when the list is late each container is asked for by itself, and one that has not answered in time is `unknown`.
 */
export async function listTasks(
  tasks: Pick<TaskApi, "list" | "state">,
  options: ListTasksOptions,
): Promise<readonly ProcessState[]> {
  const { clock, signal, waitForReady } = options;
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  try {
    const listing = tasks.list({ signal: either, waitForReady });
    const late = clock.sleep(patienceMs, { signal: either }).then(() => undefined);
    late.catch(() => {});
    listing.catch(() => {});
    const early = await Promise.race([listing, late]);
    if (early !== undefined) return early;
    return await askEach(tasks, listing, options);
  } finally {
    over.abort();
  }
}

async function askEach(
  tasks: Pick<TaskApi, "state">,
  listing: Promise<readonly ProcessState[]>,
  { ids, signal, waitForReady }: ListTasksOptions,
): Promise<readonly ProcessState[]> {
  // Whom the list names is answered for by it, should it still come first; of the others it says nothing.
  const listed = listing.then(byId, () => new Map<string, ProcessState>());
  const all = await ids();
  using limit = deadline(limitMs, signal);
  const states = all.map(async (containerId) => {
    const own = tasks.state({ containerId }, { signal: limit.signal, waitForReady });
    own.catch(() => {});
    try {
      return await Promise.race([own, listed.then((states) => states.get(containerId) ?? own)]);
    } catch (error) {
      if (isCode(error, "not_found")) return undefined;
      // The whole runtime is away, or nobody wants to know any more.
      if (isCode(error, "unavailable") || signal?.aborted) throw error;
      return unknownState({ containerId });
    }
  });
  return (await Promise.all(states)).filter((state) => state !== undefined);
}

function byId(states: readonly ProcessState[]): ReadonlyMap<string, ProcessState> {
  return new Map(states.map((state) => [state.containerId, state]));
}
