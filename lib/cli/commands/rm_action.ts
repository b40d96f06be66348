import { assertChoice, chosenContainers } from "../chosen_containers.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import type { rmFlags } from "./rm.ts";

/** Removes each container named, or all; a failure does not keep the others. */
export async function run({ flags, args }: Invocation<ValuesOf<typeof rmFlags>>, context: CliContext): Promise<number> {
  const { all, force } = flags;
  assertChoice({ all, args });
  await using engine = await openEngine(context);
  const chosen = await chosenContainers(engine, { all, args, context });
  return await eachContainer(chosen, async ({ id }) => {
    await engine.remove(id, { force, signal: context.signal });
  }, {
    engine,
    context,
    ignoreMissing: force || all,
    done: ({ reference }) => context.output.line(reference, "removed"),
  });
}
