import { isCode } from "../base/errors.ts";
import { type Bundle, isDeleted, makerOf } from "./bundle.ts";
import { readShimAddress } from "./bundle_address.ts";
import type { Shim } from "./shim.ts";
import { shimCondition } from "./shim_condition.ts";
import { type ShimProcessState, stateOf } from "./task_state.ts";

/** What a bundle is worth; the connections in it are the caller's to close. */
export type Verdict =
  /** A task, running or ended, with a shim that answers. `isFinished` is false when its maker died at the very end. */
  | { readonly kind: "task"; readonly shim: Shim; readonly state: ShimProcessState; readonly isFinished: boolean }
  /** A living process is making it. */
  | { readonly kind: "making" }
  /** Its shim does not answer and is not proved dead: the task may run. */
  | { readonly kind: "silent" }
  /** Its shim is proved dead; the container may run on. */
  | { readonly kind: "dead" }
  /** Its maker died before there was a task. */
  | { readonly kind: "half_made" }
  /** Its task was deleted, and who did it died before the bundle was removed. The shim, if it still lives. */
  | { readonly kind: "deleted"; readonly shim?: Shim };

/** Options of {@link judge}. */
export interface JudgeOptions {
  /** How long its shim may take for each answer, milliseconds; default 2000. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Looks at a bundle and its shim, and changes nothing. */
export async function judge(bundle: Bundle, { deadlineMs = 2000, signal }: JudgeOptions = {}): Promise<Verdict> {
  const maker = await makerOf(bundle);
  if (maker === "alive") return { kind: "making" };
  const isFinished = maker === "none";
  // Before a shim says where it listens it has no task, whatever becomes of it.
  if (!isFinished && await readShimAddress(bundle.path) === undefined) return { kind: "half_made" };
  const condition = await shimCondition(bundle, { deadlineMs, signal });
  if (condition.kind === "silent") return { kind: "silent" };
  if (condition.kind === "dead") {
    if (!isFinished) return { kind: "half_made" };
    return { kind: await isDeleted(bundle) ? "deleted" : "dead" };
  }
  const { shim } = condition;
  try {
    const request = { id: bundle.id, execId: "" };
    const reply = await shim.call(shim.methods.state, request, { deadlineMs, signal });
    return { kind: "task", shim, state: stateOf({ containerId: bundle.id }, reply), isFinished };
  } catch (error) {
    if (isCode(error, "not_found") && isFinished) return { kind: "deleted", shim };
    shim[Symbol.dispose]();
    if (signal?.aborted) throw error;
    return { kind: isCode(error, "not_found") ? "half_made" : "silent" };
  }
}
