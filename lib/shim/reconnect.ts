import type { Clock } from "../base/clock.ts";
import { getLogger } from "../base/log.ts";
import type { ExitStatus } from "../wire/task.ts";
import { type Bundle, finishBundle, listBundles } from "./bundle.ts";
import { cleanUp, removeAbandoned } from "./dead_shim.ts";
import { endShim } from "./end_shim.ts";
import { finishStart } from "./interrupted_start.ts";
import { forgetLost } from "./lost_task.ts";
import type { ShimPool } from "./shim_pool.ts";
import type { ShimProcessState } from "./task_state.ts";
import { judge, type JudgeOptions } from "./verdict.ts";

const log = getLogger("shim");

/** What a process that has just started finds of a container. */
export type FoundTask =
  /** It runs, or has ended meanwhile: with its real code and time. */
  | { readonly kind: "task"; readonly containerId: string; readonly state: ShimProcessState }
  /** Its shim was dead. The container was killed and everything of it removed. */
  | { readonly kind: "lost"; readonly containerId: string; readonly exit: ExitStatus }
  /** Nothing of it was worth keeping: it was half-made, or deleted but for its bundle. All of it has been removed. */
  | { readonly kind: "removed"; readonly containerId: string }
  /** Its shim does not answer and is not proved dead. */
  | { readonly kind: "silent"; readonly containerId: string }
  /** Another process is making it, or it could not be cleaned up (the log says why). */
  | { readonly kind: "busy"; readonly containerId: string };

/** Options of {@link reconnect}. */
export interface ReconnectOptions extends JudgeOptions {
  /** The directory of all bundles. */
  readonly root: string;
  readonly namespace: string;
  readonly clock: Clock;
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
}

/**
 * Finds every bundle of a namespace again, all at once and each with a deadline of its own: connects to the shims that
 * live, finishes what was all but made, and cleans up what is dead or half-made.
 */
export async function reconnect(pool: ShimPool, options: ReconnectOptions): Promise<readonly FoundTask[]> {
  const { bundles, abandoned } = await listBundles(options.root, options.namespace);
  await Promise.all(abandoned.map(removeAbandoned));
  return await Promise.all(bundles.map((bundle) => find(pool, bundle, options)));
}

async function find(pool: ShimPool, bundle: Bundle, options: ReconnectOptions): Promise<FoundTask> {
  const { id: containerId } = bundle;
  try {
    return await settle(pool, bundle, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    log.warning("a container could not be cleaned up", { id: containerId, error });
    return { kind: "busy", containerId };
  }
}

async function settle(pool: ShimPool, bundle: Bundle, options: ReconnectOptions): Promise<FoundTask> {
  const { id: containerId } = bundle;
  const verdict = await judge(bundle, options);
  switch (verdict.kind) {
    case "task":
      if (!verdict.isFinished) {
        forgetLost(bundle);
        await finishBundle(bundle);
      }
      await pool.add(containerId, Promise.resolve(verdict.shim));
      return {
        kind: "task",
        containerId,
        state: await finishStart(verdict.state, verdict.shim, { ...options, bundle }),
      };
    case "dead": {
      const exit = await pool.afterLoss(containerId, options.signal);
      // Undefined: it came back to life, for instance by being made again meanwhile.
      return exit === undefined ? { kind: "busy", containerId } : { kind: "lost", containerId, exit };
    }
    case "half_made":
      await cleanUp(bundle, options);
      return { kind: "removed", containerId };
    case "deleted":
      if (verdict.shim === undefined) await cleanUp(bundle, options);
      else await endShim(bundle, verdict.shim, options);
      return { kind: "removed", containerId };
    case "silent":
      return { kind: "silent", containerId };
    case "making":
      return { kind: "busy", containerId };
  }
}
