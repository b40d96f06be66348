import { isCode, messageOf } from "../base/errors.ts";

/** True for the refusal to delete what runs: containerd's own has a class, that of the shims up to 2.x only this text. */
export function isStillRunning(error: unknown): boolean {
  return isCode(error, "failed_precondition") ||
    (isCode(error, "unknown") && messageOf(error).includes("cannot delete a running process"));
}
