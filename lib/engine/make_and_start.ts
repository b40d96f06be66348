import type { StdioPaths } from "../wire/task.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import type { RestoreDirectories } from "./task_api.ts";

/** What happens between the steps of {@link makeAndStart}. */
export interface MakeSteps extends VerbOptions {
  /** Makes the files of the process' streams, once the container's directories are its own. */
  readonly openStdio: () => Promise<StdioPaths>;
  /** Goes on from a checkpoint; default a fresh start. */
  readonly restore?: RestoreDirectories | undefined;
  /** Called with the pid (0 for a restore) when the process has been made and does not run yet. */
  readonly created?: ((pid: number) => Promise<void>) | undefined;
}

/** Makes a container and starts it. Whatever fails, or is cancelled, is taken back before this rejects. */
export async function makeAndStart(
  engine: Engine,
  plan: ContainerPlan,
  steps: MakeSteps,
): Promise<{ readonly pid: number }> {
  const { signal, restore } = steps;
  await engine.reserve(plan, { signal, isToStart: true });
  try {
    const stdio = await steps.openStdio();
    await engine.store(plan, { signal });
    const { pid } = await engine.create(plan, stdio, { signal, restore });
    await steps.created?.(pid);
    // A restored process has its pid from here on only.
    return await engine.start({ containerId: plan.id }, { signal });
  } catch (error) {
    await engine.abandon(plan);
    throw error;
  }
}
