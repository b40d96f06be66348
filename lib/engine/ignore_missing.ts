import { isCode } from "../base/errors.ts";

/** Awaits a call that removes something: that it was not there is as good. */
export async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
  }
}
