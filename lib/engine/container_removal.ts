import type { Clock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { assertId } from "../wire/identifier.ts";
import type { Container } from "./container.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import type { ContainerTraces } from "./container_traces.ts";
import type { FinishOptions, RemoveOptions } from "./engine.ts";
import { ignoreMissing } from "./ignore_missing.ts";
import { untilAnswered } from "./outage.ts";
import { readRuncState } from "./runc_state.ts";
import type { Runtime } from "./runtime.ts";
import { isStillRunning } from "./still_running.ts";

/** How long the end of a container waits for a containerd that is away. */
const finishPatienceMs = 10_000;
/** How long a shim may take to free an ended task: those of 2.x wait 10 s for output that nobody takes. */
const deleteMs = 15_000;

/** What removal works with. */
export interface RemovalContext {
  readonly runtime: Pick<Runtime, "namespace" | "runtimeRoot" | "removeResidue" | "sweep">;
  readonly traces: ContainerTraces;
  readonly clock: Clock;
}

/** Frees a container whose task has ended, with everything gantry keeps of it. */
export async function finishContainer(
  container: Container,
  plan: ContainerPlan,
  { runtime, traces, clock, signal, heir }: RemovalContext & FinishOptions,
): Promise<void> {
  const { id, name } = plan;
  traces.begin(id);
  const calls = { clock, signal, patienceMs: finishPatienceMs };
  if (heir !== undefined) {
    // Gone for all who ask; what is left can be done by whoever comes next, should the heir be cut off.
    await untilAnswered(() => ignoreMissing(container.delete({ signal })), calls);
    await traces.release(name, id);
    return await traces.handOver(id, await heir());
  }
  await untilAnswered(() => ignoreMissing(container.task.delete({ signal })), calls);
  await untilAnswered(() => ignoreMissing(container.delete({ signal })), calls);
  await runtime.sweep(id);
  await traces.drop(id, name);
}

/** Removes a container, whatever state it is in. `not_found` when there is neither a record nor a task of it. */
export async function removeContainer(
  container: Container,
  { runtime, traces, force = false, signal }: RemovalContext & RemoveOptions,
): Promise<void> {
  const { id } = container;
  assertId(id);
  // Read before anything is ended: it says where the rest is, should the shim be no help.
  const state = force ? readRuncState(id, runtime) : undefined;
  const record = await container.record({ signal }).catch((error: unknown) => {
    // A task may be left without its record; force is there to end such a thing too.
    if (force && isCode(error, "not_found")) return undefined;
    throw error;
  });
  if (!force) await deleteEndedTask(container, signal);
  traces.begin(id);
  try {
    const end = force ? await container.task.forceDelete({ signal }) : "none";
    await ignoreMissing(container.delete({ signal }));
    // Of a task without a record, or without a living shim, containerd says that it is not there.
    const hadRest = force && end !== "deleted" && await runtime.removeResidue(id, { signal, state });
    await runtime.sweep(id);
    if (record === undefined) await traces.clear(id);
    await traces.drop(id, record?.labels[labelKeys.name]);
    if (record !== undefined || end !== "none" || hadRest) return;
  } catch (error) {
    // Whoever asked is told: nobody else is to try it behind their back.
    await traces.settle(id);
    throw error;
  }
  throw new GantryError("not_found", `no container ${id} in namespace ${runtime.namespace}`);
}

/** Frees the ended task of a container, if it has one. `failed_precondition` when it still runs. */
async function deleteEndedTask({ id, task }: Container, signal: AbortSignal | undefined): Promise<void> {
  try {
    await ignoreMissing(task.delete({ signal, deadlineMs: deleteMs }));
  } catch (error) {
    if (isCode(error, "deadline_exceeded")) {
      throw new GantryError("deadline_exceeded", `the shim of container ${id} does not answer`, {
        cause: error,
        hint: `remove it by force: gantry rm -f ${id.slice(0, 12)}`,
      });
    }
    if (!isStillRunning(error)) throw error;
    throw new GantryError("failed_precondition", `container ${id} still runs`, {
      cause: error,
      hint: `stop it first, or remove it by force: gantry rm -f ${id.slice(0, 12)}`,
    });
  }
}
