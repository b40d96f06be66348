import { GantryError, isCode } from "../../base/errors.ts";
import { criuOptionsOf } from "../../engine/checkpoint/checkpoint_options.ts";
import { findCheckpoint, findCheckpointed } from "../../engine/checkpoint/find_checkpoints.ts";
import { restoreArchive } from "../../engine/checkpoint/restore_archive.ts";
import { restoreAsNew, type Restored, restoreInPlace } from "../../engine/checkpoint/restore_checkpoint.ts";
import type { ContainerPlan } from "../../engine/container_plan.ts";
import type { Engine } from "../../engine/engine.ts";
import { parseRootfs } from "../../engine/spec/mount_options.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine, openEngine } from "../engine.ts";
import { keepUnattended } from "../keeper.ts";
import { reportWarning } from "../report.ts";
import type { restoreFlags } from "./restore.ts";

type RestoreFlags = ValuesOf<typeof restoreFlags>;

/** Lets a container go on; prints what it is called, or the id of a new one. */
export async function run({ flags, args }: Invocation<RestoreFlags>, context: CliContext): Promise<number> {
  const [reference] = args;
  if ((reference === undefined) === (flags.import === undefined)) {
    throw new GantryError("invalid_argument", "restore takes either a container or --import FILE", {
      hint: "gantry restore CONTAINER, or gantry restore --import FILE",
    });
  }
  const { signal, clock } = context;
  const options = {
    name: flags.name,
    rootfs: flags.rootfs === undefined ? undefined : parseRootfs(flags.rootfs),
    criu: criuOptionsOf(flags),
    signal,
  };
  if (flags.import !== undefined) {
    await using engine = await openEngine(context);
    const onCreated = keeping(engine, context);
    const restored = await restoreArchive(engine, flags.import, {
      ...options,
      onCreated,
      keepAs: flags.checkpoint,
      clock,
    });
    for (const part of restored.ignored) reportWarning(`${part} of the file is not restored`, context.stderr, context);
    return show(restored, { context, as: restored.plan.id });
  }
  const choice = await chooseEngine(context);
  const scope = { instance: choice.instance, namespace: context.settings.namespace };
  const id = await findCheckpointed(reference ?? "", scope);
  const checkpoint = await findCheckpoint(id, { ...scope, name: flags.checkpoint });
  await using engine = await openEngine(context, choice);
  const onCreated = keeping(engine, context);
  if (flags.name !== undefined || !await isStored(engine, id, signal)) {
    const restored = await restoreAsNew(engine, checkpoint, { ...options, onCreated });
    return show(restored, { context, as: restored.plan.id });
  }
  if (flags.rootfs !== undefined) {
    throw new GantryError("invalid_argument", "--rootfs is for a new container, and this one goes on in its place", {
      hint: "give the new one a name: --name NAME",
    });
  }
  return show(await restoreInPlace(engine, checkpoint, { ...options, onCreated }), { context, as: reference ?? id });
}

async function isStored(engine: Engine, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.record(id, { signal });
    return true;
  } catch (error) {
    if (isCode(error, "not_found")) return false;
    throw error;
  }
}

/** Whoever removes or kills it later is there before it runs. */
function keeping(engine: Engine, context: CliContext): (plan: ContainerPlan) => Promise<void> {
  return (plan) => keepUnattended(plan, { context, engine });
}

function show(
  { plan, pid, stats }: Restored,
  { context, as }: { readonly context: CliContext; readonly as: string },
): number {
  const { id, name, labels } = plan;
  context.output.one({ id, name, pid, restoreMs: stats?.restoreMs, labels }, () => as);
  return 0;
}
