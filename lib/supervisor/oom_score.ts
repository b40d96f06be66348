import { messageOf } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";

const log = getLogger("supervisor");

/** Bit of CAP_SYS_RESOURCE in the masks of /proc/PID/status. */
const CAP_SYS_RESOURCE = 24n;

/**
 * Sets oom_score_adj of a process, -1000 to 1000. The kernel lets only CAP_SYS_RESOURCE lower it; that it refused is one
 * warning, for containerd works all the same, and false.
 */
export async function setOomScore(pid: number, score: number): Promise<boolean> {
  try {
    await Deno.writeTextFile(`/proc/${pid}/oom_score_adj`, String(score), { create: false });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    log.warning("the kernel refused containerd's OOM score", {
      score,
      pid,
      error: messageOf(error),
      hint: "lowering it needs CAP_SYS_RESOURCE",
    });
    return false;
  }
}

/**
 * True when a child of ours could set this score itself. containerd logs an error otherwise, and the one warning of
 * {@link setOomScore} is enough.
 */
export function childMaySetOomScore(score: number): boolean {
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
    if ((mask >> CAP_SYS_RESOURCE & 1n) === 1n) return true;
    return score >= Number(Deno.readTextFileSync("/proc/self/oom_score_adj"));
  } catch {
    return false;
  }
}
