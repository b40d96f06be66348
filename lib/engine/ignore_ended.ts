import { isCode } from "../base/errors.ts";

/** Awaits a call to a process: that it has ended, or that nobody waits for the call any more, is no error. */
export async function ignoreEnded(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isCode(error, "not_found") && !isCode(error, "failed_precondition") && !isCode(error, "cancelled")) {
      throw error;
    }
  }
}
