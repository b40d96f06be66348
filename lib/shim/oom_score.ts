import { getLogger } from "../base/log.ts";

const log = getLogger("shim");

/** The kernel takes no higher one. */
const highest = 1000;

/**
 * Gives a shim the OOM score of this process and one, as its own `start` does: when memory runs out, shims go before us.
 * A failure is logged only, for the shim works all the same.
 */
export function raiseOomScore(pid: number): void {
  try {
    const own = Number(Deno.readTextFileSync("/proc/self/oom_score_adj"));
    Deno.writeTextFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(own + 1, highest)), { create: false });
  } catch (error) {
    log.warning("the shim's OOM score was not set", { pid, error });
  }
}
