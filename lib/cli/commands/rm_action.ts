import { isCode } from "../../base/errors.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { reportError } from "../report.ts";
import type { rmFlags } from "./rm.ts";

/** Removes each container named; a failure does not keep the others. */
export async function run({ flags, args }: Invocation<ValuesOf<typeof rmFlags>>, context: CliContext): Promise<number> {
  await using engine = await openEngine(context);
  let code = 0;
  for (const reference of args) {
    try {
      const id = await engine.resolve(reference, { signal: context.signal });
      await engine.remove(id, { force: flags.force, signal: context.signal });
      context.output.line(reference, "removed");
    } catch (error) {
      if (isCode(error, "unavailable") || isCode(error, "cancelled")) throw error;
      if (flags.force && isCode(error, "not_found")) continue;
      reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
      code = 1;
    }
  }
  return code;
}
