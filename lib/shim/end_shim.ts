import { type Clock, deadline } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type Bundle, markDeleted } from "./bundle.ts";
import { removeBundle } from "./dead_shim.ts";
import { isShared } from "./shared_shim.ts";
import type { Shim } from "./shim.ts";
import { killShim } from "./shim_process.ts";

const log = getLogger("shim");

/** How long a shim may take to end when it has no container any more; it takes 1 to 4 ms. As containerd's. */
const endMs = 3000;
/** How soon it is asked why the shim has not ended. */
const soonMs = 200;

/** Options of {@link endShim}. */
export interface EndShimOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends a shim whose container has been deleted and removes the bundle. A shim that has other containers lives on; one that
 * does not end within 3 s is killed.
 */
export async function endShim(bundle: Bundle, shim: Shim, options: EndShimOptions): Promise<void> {
  await markDeleted(bundle);
  await shutDown(bundle, shim, options);
  if (!await hasEnded(shim, { ...options, ms: soonMs }) && !await isShared(bundle)) {
    if (!await hasEnded(shim, { ...options, ms: endMs }) && shim.process !== undefined) {
      log.warning("a shim without a container did not end and is killed", { id: bundle.id, pid: shim.process.pid });
      await killShim(shim.process, options);
    }
    await shim.reaped();
  }
  shim[Symbol.dispose]();
  await removeBundle(bundle);
}

/** The shim ends while it still answers: one in ten replies never comes. */
async function shutDown(bundle: Bundle, shim: Shim, { signal }: EndShimOptions): Promise<void> {
  try {
    await shim.call(shim.methods.shutdown, { id: bundle.id, now: false }, { deadlineMs: endMs, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!isCode(error, "unavailable")) log.debug("the shim did not shut down", { id: bundle.id, error });
  }
}

async function hasEnded(
  shim: Shim,
  { clock, signal, ms }: EndShimOptions & { readonly ms: number },
): Promise<boolean> {
  using limit = deadline(ms, signal);
  try {
    await shim.ended({ clock, signal: limit.signal });
    return true;
  } catch (error) {
    if (signal?.aborted) throw error;
    return false;
  }
}
