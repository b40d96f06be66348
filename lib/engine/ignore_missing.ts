import { isCode } from "../base/errors.ts";

/** Awaits a call that removes something, or waits for its end: that it is not there is as good. */
export async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
  }
}
