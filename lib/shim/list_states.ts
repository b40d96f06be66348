import { deadline } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { unknownState } from "../wire/process_reply.ts";
import { type Bundle, isDeleted, listBundles, makerOf } from "./bundle.ts";
import type { ShimPool } from "./shim_pool.ts";
import { lostState, type ShimProcessState, shimRef, stateOf } from "./task_state.ts";

const log = getLogger("shim");

/** Options of {@link listStates}. */
export interface ListOptions extends CallOptions {
  /** The directory of all bundles. */
  readonly root: string;
  readonly namespace: string;
  /** How long one shim may take, milliseconds; default 2000. */
  readonly listMs?: number | undefined;
}

/** What all tasks of a namespace are doing; all shims are asked at once, so that one that hangs costs its own task only. */
export async function listStates(pool: ShimPool, options: ListOptions): Promise<readonly ShimProcessState[]> {
  const { bundles, lost } = await listBundles(options.root, options.namespace);
  const states = await Promise.all([
    ...bundles.map((bundle) => stateIn(pool, bundle, options)),
    ...lost.map(({ id }) => keptState(pool, id)),
  ]);
  return states.filter((state) => state !== undefined);
}

async function stateIn(pool: ShimPool, bundle: Bundle, options: ListOptions): Promise<ShimProcessState | undefined> {
  const { listMs = 2000, deadlineMs = Infinity, signal } = options;
  using limit = deadline(Math.min(listMs, deadlineMs), signal);
  try {
    // One that is being made, or half-made, is no task yet; one that was deleted is none any more.
    if (await makerOf(bundle) !== "none" || await isDeleted(bundle)) return undefined;
    return await ask(pool, bundle.id, limit.signal);
  } catch (error) {
    if (signal?.aborted) throw error;
    if (isCode(error, "not_found")) return await keptState(pool, bundle.id);
    log.debug("a shim does not tell its task's state", { id: bundle.id, error });
    return unknownState({ containerId: bundle.id });
  }
}

/** The state as the shim tells it; when that is dead, as it is after everything of the task has been cleaned up. */
async function ask(pool: ShimPool, containerId: string, signal: AbortSignal): Promise<ShimProcessState | undefined> {
  for (;;) {
    try {
      const shim = await pool.get(containerId, { signal });
      return stateOf({ containerId }, await shim.call(shim.methods.state, shimRef({ containerId }), { signal }));
    } catch (error) {
      if (!isCode(error, "unavailable")) throw error;
      if (await pool.afterLoss(containerId, signal) !== undefined) return await keptState(pool, containerId);
    }
  }
}

async function keptState(pool: ShimPool, containerId: string): Promise<ShimProcessState | undefined> {
  const exit = await pool.lostExit(containerId);
  return exit === undefined ? undefined : lostState({ containerId }, exit);
}
