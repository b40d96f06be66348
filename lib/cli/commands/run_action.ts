import type { ContainerPlan } from "../../engine/container_plan.ts";
import { planContainer } from "../../engine/plan.ts";
import { runDetached } from "../../engine/run_detached.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { instanceOf, openEngine } from "../engine.ts";
import { attend } from "../foreground.ts";
import { attendedContainer } from "../attended_container.ts";
import { startKeeper } from "../keeper.ts";
import { reportWarning } from "../report.ts";
import { tellStartFailure } from "../start_code.ts";
import { assertTerminal, terminalSize } from "../terminal.ts";
import { containerOptions } from "./container_options.ts";
import { replaceContainer } from "./replace_container.ts";
import type { runFlags } from "./run.ts";
import { RunNotes } from "./run_notes.ts";
import { showPlan } from "./show_plan.ts";

type RunFlags = ValuesOf<typeof runFlags>;

/** RPCs of one run, in order; T15 counts them at the server. */
const rpcs = [
  "containerd.services.containers.v1.Containers/Create",
  "containerd.services.tasks.v1.Tasks/Create",
  "containerd.services.tasks.v1.Tasks/Wait",
  "containerd.services.tasks.v1.Tasks/Start",
  "containerd.services.tasks.v1.Tasks/Delete",
  "containerd.services.containers.v1.Containers/Delete",
] as const;

/** Runs a container and resolves to its exit code. */
export async function run({ flags, args }: Invocation<RunFlags>, context: CliContext): Promise<number> {
  const plan = await planOf(flags, { args, context });
  for (const warning of plan.warnings) reportWarning(warning, context.stderr, context);
  if (flags.dryRun) return showPlan(plan, rpcsOf(plan), context);
  await using notes = await RunNotes.open(flags);
  await using engine = await openEngine(context);
  if (flags.replace) await replaceContainer(engine, plan.name);
  try {
    if (!flags.detach) {
      const onCreated = (pid: number): Promise<void> => notes.write(plan.id, pid);
      return await attend(attendedContainer(engine, plan, context), {
        ...flags,
        context,
        onCreated,
        onStarted: () => notes.keep(),
      });
    }
    const onCreated = async (pid: number): Promise<void> => {
      await notes.write(plan.id, pid);
      // Before it runs: one that could not be looked after is not to be left behind.
      const { autoRemove, timeoutMs } = plan;
      if (!autoRemove && timeoutMs === undefined) return;
      await startKeeper(plan, { context, address: engine.address, drain: false, timeoutMs });
    };
    await runDetached(engine, plan, { stdin: flags.interactive, signal: context.signal, onCreated });
    notes.keep();
    context.output.line(plan.id, "id");
    return 0;
  } catch (error) {
    return tellStartFailure(error, context);
  }
}

async function planOf(
  flags: RunFlags,
  { args, context }: { readonly args: readonly string[]; readonly context: CliContext },
): Promise<ContainerPlan> {
  if (flags.tty && flags.interactive && !flags.detach && !flags.dryRun) {
    assertTerminal("leave out -t, or run gantry in a terminal");
  }
  const options = await containerOptions(flags, {
    command: args,
    tty: flags.tty,
    stdin: flags.interactive,
    consoleSize: flags.tty ? terminalSize() : undefined,
  });
  return await planContainer(options, {
    instance: instanceOf(context),
    namespace: context.settings.namespace,
    detached: flags.detach,
    autoRemove: flags.rm,
  });
}

/** The RPCs of this run. */
function rpcsOf({ autoRemove, detached }: ContainerPlan): readonly string[] {
  const calls = autoRemove && !detached ? rpcs : rpcs.slice(0, detached ? 4 : 5);
  return calls.filter((name) => !detached || !name.endsWith("/Wait"));
}
