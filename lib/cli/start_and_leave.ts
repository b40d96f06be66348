import { systemError } from "../base/errno.ts";
import { GantryError, toGantryError } from "../base/errors.ts";
import type { ContainerPlan } from "../engine/container_plan.ts";
import { nowhere } from "../engine/copy.ts";
import type { Engine } from "../engine/engine.ts";
import { startForeground } from "../engine/run.ts";
import { startDetached, wouldOverwriteLog } from "../engine/start_stored.ts";
import type { CliContext } from "./context.ts";
import { keepUnattended, startKeeper } from "./keeper.ts";

/** Starts a stored container and leaves it running, with a keeper when it is to be removed or killed some time. */
export async function startAndLeave(engine: Engine, plan: ContainerPlan, context: CliContext): Promise<void> {
  const { name } = plan;
  if (await wouldOverwriteLog(plan)) return await startAndHandOver(engine, plan, context);
  await startDetached(engine, plan, { signal: context.signal });
  try {
    await keepUnattended(plan, { context, engine });
  } catch (error) {
    const { code, message } = toGantryError(error);
    throw new GantryError(code, `container ${name} runs, but nobody looks after its --rm or --timeout: ${message}`, {
      hint: `stop it: gantry stop ${name}`,
      cause: error,
    });
  }
}

/** Attends to it until a keeper does: both append to its log. */
async function startAndHandOver(engine: Engine, plan: ContainerPlan, context: CliContext): Promise<void> {
  using log = await openLog(plan.paths.stdoutLog);
  // A terminal has one stream.
  const streams = { stdout: log, stderr: nowhere };
  await startForeground(engine, plan, streams, {
    signal: context.signal,
    clock: context.clock,
    onStarted: (handle) => handle.detach(),
    async onDetached(timeoutMs) {
      await startKeeper(plan, { context, engine, drain: true, timeoutMs });
    },
  });
}

async function openLog(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { append: true });
  } catch (error) {
    throw systemError(error, `append to ${path}`);
  }
}
