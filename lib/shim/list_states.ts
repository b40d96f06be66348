import { deadline } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { type Bundle, isDeleted, listBundles, makerOf } from "./bundle.ts";
import type { ShimPool } from "./shim_pool.ts";
import { type ShimProcessState, stateOf, unknownState } from "./task_state.ts";

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
  const { bundles } = await listBundles(options.root, options.namespace);
  const states = await Promise.all(bundles.map((bundle) => stateIn(pool, bundle, options)));
  return states.filter((state) => state !== undefined);
}

async function stateIn(pool: ShimPool, bundle: Bundle, options: ListOptions): Promise<ShimProcessState | undefined> {
  const { listMs = 2000, deadlineMs = Infinity, signal } = options;
  const name = { containerId: bundle.id };
  using limit = deadline(Math.min(listMs, deadlineMs), signal);
  try {
    // One that is being made, or half-made, is no task yet; one that was deleted is none any more.
    if (await makerOf(bundle) !== "none" || await isDeleted(bundle)) return undefined;
    const shim = await pool.get(bundle.id, { signal: limit.signal });
    const reply = await shim.call(shim.methods.state, { id: bundle.id, execId: "" }, { signal: limit.signal });
    return stateOf(name, reply);
  } catch (error) {
    if (signal?.aborted) throw error;
    if (isCode(error, "not_found")) return undefined;
    log.debug("a shim does not tell its task's state", { id: bundle.id, error });
    return unknownState(name);
  }
}
