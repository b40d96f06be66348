import { planContainer } from "../../engine/plan.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine, openEngine } from "../engine.ts";
import { reportWarning } from "../report.ts";
import { containerOptions } from "./container_options.ts";
import type { createFlags } from "./create.ts";
import { replaceContainer } from "./replace_container.ts";
import { RunNotes } from "./run_notes.ts";
import { showPlan } from "./show_plan.ts";

type CreateFlags = ValuesOf<typeof createFlags>;

const rpcs = ["containerd.services.containers.v1.Containers/Create"] as const;

/** Stores a container and prints its id. */
export async function run({ flags, args }: Invocation<CreateFlags>, context: CliContext): Promise<number> {
  const options = await containerOptions(flags, args);
  const choice = await chooseEngine(context);
  const plan = await planContainer(options, {
    instance: choice.instance,
    namespace: context.settings.namespace,
    detached: true,
    autoRemove: flags.rm,
  });
  for (const warning of plan.warnings) reportWarning(warning, context.stderr, context);
  if (flags.dryRun) return showPlan(plan, rpcs, context);
  await using notes = await RunNotes.open(flags);
  await using engine = await openEngine(context, choice);
  const { signal } = context;
  if (flags.replace) await replaceContainer(engine, plan.name, { signal });
  await engine.reserve(plan, { signal });
  try {
    await engine.store(plan, { signal });
    await notes.write(plan.id, 0);
  } catch (error) {
    await engine.abandon(plan);
    throw error;
  }
  await engine.settle(plan.id);
  notes.keep();
  context.output.line(plan.id, "id");
  return 0;
}
