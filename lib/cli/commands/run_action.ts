import { GantryError } from "../../base/errors.ts";
import type { ContainerPlan } from "../../engine/container_plan.ts";
import { planContainer } from "../../engine/plan.ts";
import { redactSpec } from "../../engine/spec/redact.ts";
import { runDetached } from "../../engine/run_detached.ts";
import { startFailureOf } from "../../engine/start_failure.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { instanceOf, openEngine } from "../engine.ts";
import { attend } from "../foreground.ts";
import { attendedContainer } from "../attended_container.ts";
import { startKeeper } from "../keeper.ts";
import { reportError, reportWarning } from "../report.ts";
import { terminalSize } from "../terminal.ts";
import { containerOptions } from "./container_options.ts";
import { replaceContainer } from "./replace_container.ts";
import type { runFlags } from "./run.ts";
import { RunNotes } from "./run_notes.ts";

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
  if (flags.dryRun) return showPlan(plan, context);
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
    const failure = startFailureOf(error);
    if (failure === undefined) throw error;
    reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
    return failure === "command_not_found" ? 127 : 126;
  }
}

async function planOf(
  flags: RunFlags,
  { args, context }: { readonly args: readonly string[]; readonly context: CliContext },
): Promise<ContainerPlan> {
  if (flags.tty && flags.interactive && !flags.detach && !flags.dryRun && !Deno.stdin.isTerminal()) {
    throw new GantryError("invalid_argument", "stdin is no terminal", {
      hint: "leave out -t, or run gantry in a terminal",
    });
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

function showPlan(plan: ContainerPlan, context: CliContext): number {
  const { spec, ...rest } = plan;
  const calls = plan.autoRemove && !plan.detached ? rpcs : rpcs.slice(0, plan.detached ? 4 : 5);
  const shown = {
    rpcs: calls.filter((name) => !plan.detached || !name.endsWith("/Wait")),
    ...rest,
    spec: redactSpec(spec),
  };
  context.output.one(shown, (record) => JSON.stringify(record, undefined, 2));
  return 0;
}
