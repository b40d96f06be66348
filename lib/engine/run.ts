import { type GantryError, toGantryError } from "../base/errors.ts";
import { attendProcess, type ForegroundEnd, type ForegroundOptions, type ForegroundStreams } from "./attend_process.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { Engine } from "./engine.ts";
import { makeAndStart } from "./make_and_start.ts";

/**
 * Makes, runs and attends a container until it ends, and removes it when it is to be removed. Whatever fails before it
 * runs is undone.
 */
export async function runForeground(
  engine: Engine,
  plan: ContainerPlan,
  streams: ForegroundStreams,
  options: ForegroundOptions = {},
): Promise<ForegroundEnd> {
  const process = {
    ref: { containerId: plan.id },
    directory: plan.paths.run,
    terminal: plan.spec.process?.terminal === true,
    timeoutMs: plan.timeoutMs,
    begin: (steps: Parameters<typeof makeAndStart>[2]) => makeAndStart(engine, plan, steps),
  };
  const end = await attendProcess(engine, process, { ...options, streams });
  if (end.kind === "detached" || !plan.autoRemove) return end;
  return { ...end, cleanupError: await failureOf(engine.finish(plan, { signal: options.signal })) };
}

async function failureOf(work: Promise<void>): Promise<GantryError | undefined> {
  return await work.then(() => undefined, toGantryError);
}
