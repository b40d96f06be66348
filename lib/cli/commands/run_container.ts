import type { InstancePaths } from "../../engine/container_paths.ts";
import type { ContainerPlan } from "../../engine/container_plan.ts";
import { planContainer } from "../../engine/plan.ts";
import { runDetached } from "../../engine/run_detached.ts";
import type { Engine } from "../../engine/engine.ts";
import type { ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import type { EngineChoice } from "../engine.ts";
import { attend } from "../foreground.ts";
import { attendedContainer } from "../attended_container.ts";
import { keepUnattended } from "../keeper.ts";
import { reportWarning } from "../report.ts";
import { tellStartFailure } from "../start_code.ts";
import { assertTerminal } from "../terminal.ts";
import { containerOptions } from "./container_options.ts";
import { replaceContainer } from "./replace_container.ts";
import type { runFlags } from "./run.ts";
import { RunNotes } from "./run_notes.ts";
import { showPlan } from "./show_plan.ts";

type RunFlags = ValuesOf<typeof runFlags>;

/** Calls of one run, in order: those of containerd, which T15 counts at the server, and those of a shim. */
const rpcs = {
  containerd: [
    "containerd.services.containers.v1.Containers/Create",
    "containerd.services.tasks.v1.Tasks/Create",
    "containerd.services.tasks.v1.Tasks/Wait",
    "containerd.services.tasks.v1.Tasks/Start",
    "containerd.services.tasks.v1.Tasks/Delete",
    "containerd.services.containers.v1.Containers/Delete",
  ],
  shim: ["Task/Connect", "Task/Create", "Task/Wait", "Task/Start", "Task/Delete", "Task/Shutdown"],
} as const;

/** Those that make it run. */
const making = /\/(Connect|Create|Start)$/;

/** A run as it was asked for. */
export interface RunRequest {
  readonly flags: RunFlags;
  readonly args: readonly string[];
  /** Id of the container. */
  readonly id: string;
  readonly instance: InstancePaths;
  readonly context: CliContext;
}

/** What {@link runContainer} is given. */
export interface AttendedRunRequest extends RunRequest {
  /** Called when it looks after signals itself from here on; throws when one came before. */
  readonly attending: () => void;
}

/** Shows what a run would do. */
export async function showRun(request: RunRequest, kind: EngineChoice["kind"]): Promise<number> {
  const plan = await planOf(request);
  return showPlan(plan, rpcsOf(plan, kind), request.context);
}

/** Runs a container and resolves to its exit code. */
export async function runContainer(engine: Engine, request: AttendedRunRequest): Promise<number> {
  const { flags, context, attending } = request;
  const plan = await planOf(request);
  await using notes = await RunNotes.open(flags);
  if (flags.replace) await replaceContainer(engine, plan.name);
  try {
    attending();
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
      await keepUnattended(plan, { context, engine });
    };
    await runDetached(engine, plan, { stdin: flags.interactive, signal: context.signal, onCreated });
    notes.keep();
    context.output.line(plan.id, "id");
    return 0;
  } catch (error) {
    return tellStartFailure(error, context);
  }
}

async function planOf({ flags, args, id, instance, context }: RunRequest): Promise<ContainerPlan> {
  if (flags.tty && flags.interactive && !flags.detach && !flags.dryRun) {
    assertTerminal("leave out -t, or run gantry in a terminal");
  }
  const options = await containerOptions(flags, args);
  const plan = await planContainer(options, {
    id,
    instance,
    namespace: context.settings.namespace,
    detached: flags.detach,
    autoRemove: flags.rm,
  });
  for (const warning of plan.warnings) reportWarning(warning, context.stderr, context);
  return plan;
}

/** The calls of this run. */
function rpcsOf({ autoRemove, detached }: ContainerPlan, kind: EngineChoice["kind"]): readonly string[] {
  return rpcs[kind].filter((name) =>
    (autoRemove && !detached) || making.test(name) || (!detached && /Wait$/.test(name))
  );
}
