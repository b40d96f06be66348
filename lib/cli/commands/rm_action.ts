import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import type { rmFlags } from "./rm.ts";

/** Removes each container named; a failure does not keep the others. */
export async function run({ flags, args }: Invocation<ValuesOf<typeof rmFlags>>, context: CliContext): Promise<number> {
  await using engine = await openEngine(context);
  return await eachContainer(args, async ({ id, reference }) => {
    await engine.remove(id, { force: flags.force, signal: context.signal });
    return () => context.output.line(reference, "removed");
  }, { engine, context, ignoreMissing: flags.force });
}
