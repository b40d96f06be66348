import { assertChoice, chosenContainers } from "../chosen_containers.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import type { resumeFlags } from "./resume.ts";

type ResumeFlags = ValuesOf<typeof resumeFlags>;

/** Lets each container named go on, or all that are paused. */
export async function run({ flags, args }: Invocation<ResumeFlags>, context: CliContext): Promise<number> {
  const { all } = flags;
  assertChoice({ all, args });
  await using engine = await openEngine(context);
  const among = ({ status }: { readonly status: string }): boolean => status === "paused";
  const chosen = await chosenContainers(engine, { all, args, context, among });
  return await eachContainer(chosen, async ({ id }) => {
    await engine.resume(id, { signal: context.signal });
  }, { engine, context, ignoreMissing: all, done: ({ reference }) => context.output.line(reference, "resumed") });
}
