import { assertChoice, chosenContainers } from "../chosen_containers.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import type { pauseFlags } from "./pause.ts";

type PauseFlags = ValuesOf<typeof pauseFlags>;

/** Freezes each container named, or all that run. */
export async function run({ flags, args }: Invocation<PauseFlags>, context: CliContext): Promise<number> {
  const { all } = flags;
  assertChoice({ all, args });
  await using engine = await openEngine(context);
  const among = ({ status }: { readonly status: string }): boolean => status === "running";
  const chosen = await chosenContainers(engine, { all, args, context, among });
  return await eachContainer(chosen, async ({ id }) => {
    await engine.pause(id, { signal: context.signal });
  }, { engine, context, ignoreMissing: all, done: ({ reference }) => context.output.line(reference, "paused") });
}
