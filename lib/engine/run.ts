import { type GantryError, toGantryError } from "../base/errors.ts";
import { attendProcess, type ForegroundEnd, type ForegroundOptions, type ForegroundStreams } from "./attend_process.ts";
import type { ByteSource } from "./copy.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { Engine } from "./engine.ts";
import { makeAndStart } from "./make_and_start.ts";
import { keepsStdin, startStored } from "./start_stored.ts";

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
  return await attendContainer(engine, plan, { ...options, streams, begin: makeAndStart });
}

/** The same for a container that was stored before: it stays stored when its start fails. */
export async function startForeground(
  engine: Engine,
  plan: ContainerPlan,
  streams: ForegroundStreams,
  options: ForegroundOptions = {},
): Promise<ForegroundEnd> {
  // One that was made to have an open stdin reads no end of it, though nobody writes.
  const stdin = streams.stdin ?? (keepsStdin(plan) ? silence : undefined);
  return await attendContainer(engine, plan, { ...options, streams: { ...streams, stdin }, begin: startStored });
}

interface AttendOptions extends ForegroundOptions {
  readonly streams: ForegroundStreams;
  readonly begin: typeof makeAndStart;
}

async function attendContainer(
  engine: Engine,
  plan: ContainerPlan,
  { begin, ...options }: AttendOptions,
): Promise<ForegroundEnd> {
  const process = {
    ref: { containerId: plan.id },
    directory: plan.paths.run,
    terminal: plan.spec.process?.terminal === true,
    timeoutMs: plan.timeoutMs,
    begin: (steps: Parameters<typeof begin>[2]) => begin(engine, plan, steps),
  };
  const end = await attendProcess(engine, process, options);
  if (end.kind === "detached" || !plan.autoRemove) return end;
  return { ...end, cleanupError: await failureOf(engine.finish(plan, { signal: options.signal, heir: options.heir })) };
}

/** Nothing comes, and no end. */
const silence: ByteSource = { read: () => new Promise<never>(() => {}) };

async function failureOf(work: Promise<void>): Promise<GantryError | undefined> {
  return await work.then(() => undefined, toGantryError);
}
