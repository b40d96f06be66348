import { systemError } from "../base/errno.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import { detachedStdio, ensureLogs } from "./detached_stdio.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import { startRefusal } from "./free_for_start.ts";
import type { MakeSteps } from "./make_and_start.ts";
import { openUnfinished } from "./unfinished.ts";

/**
 * Starts a container that was stored before. One that ended starts again: its log files and its overlay go on where they
 * were. Whatever fails, or is cancelled, is taken back before this rejects: the container stays stored, without a task.
 * `failed_precondition` when it runs, is paused, or is being made, started or removed by somebody else.
 */
export async function startStored(
  engine: Engine,
  plan: ContainerPlan,
  steps: MakeSteps,
): Promise<{ readonly pid: number }> {
  const { signal, restore } = steps;
  await using _lock = await lockStart(plan, signal);
  // Before any FIFO is touched: those of one that runs are in the same place.
  await assertStartable(engine, plan, signal);
  await removeStreams(plan);
  try {
    const stdio = await steps.openStdio();
    const { pid } = await engine.create(plan, stdio, { signal, restore });
    await steps.created?.(pid);
    // A restored process has its pid from here on only.
    return await engine.start({ containerId: plan.id }, { signal });
  } catch (error) {
    await engine.abandon(plan);
    await removeStreams(plan);
    throw error;
  }
}

/**
 * The same, with nobody to attend to it: its shim appends what it writes to its log files. Not for one that
 * {@link wouldOverwriteLog}.
 */
export async function startDetached(
  engine: Engine,
  plan: ContainerPlan,
  { signal }: VerbOptions = {},
): Promise<{ readonly pid: number }> {
  return await startStored(engine, plan, {
    signal,
    async openStdio() {
      if (plan.log === "file") await ensureLogs(plan);
      return await detachedStdio(plan, { stdin: keepsStdin(plan) });
    },
  });
}

/**
 * True for a container whose shim would write over its log: for a terminal, those of containerd 1.6 to 2.1 open the file
 * without O_APPEND. Somebody must pass on what comes through a FIFO then.
 */
export async function wouldOverwriteLog({ spec, log, paths }: ContainerPlan): Promise<boolean> {
  if (spec.process?.terminal !== true || log === "none") return false;
  return await Deno.stat(paths.stdoutLog).then(({ size }) => size > 0, () => false);
}

/** True for a container whose stdin stays open while nobody attends to it. */
export function keepsStdin({ labels }: Pick<ContainerPlan, "labels">): boolean {
  return labels[labelKeys.stdin] === "true";
}

/** Two who start one container at once would each take the other's task for one that somebody left half made. */
async function lockStart({ name, paths }: ContainerPlan, signal: AbortSignal | undefined): Promise<Lock> {
  try {
    await Deno.mkdir(paths.data, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw systemError(error, `make ${paths.data}`);
  }
  try {
    return await acquireLock(`${paths.data}/start.lock`, { content: `process ${Deno.pid}`, signal });
  } catch (error) {
    if (!isCode(error, "failed_precondition")) throw error;
    throw new GantryError("failed_precondition", `container ${name} is being started by somebody else this moment`, {
      cause: error,
    });
  }
}

async function assertStartable(
  engine: Engine,
  { id, name }: ContainerPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (await openUnfinished(engine.instance, engine.namespace).isMarked(id)) {
    throw new GantryError("failed_precondition", `container ${name} is being made or removed by somebody else`, {
      hint: `should whoever does that have died, remove what is left: gantry rm -f ${name}`,
    });
  }
  try {
    const { status } = await engine.state({ containerId: id }, { signal });
    if (status !== "stopped" && status !== "created") throw startRefusal(name, status);
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
  }
}

/** FIFOs of a former life, whose reader may have died. */
async function removeStreams({ paths }: ContainerPlan): Promise<void> {
  try {
    await Deno.remove(paths.run, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove ${paths.run}`);
  }
}
