import type { Clock } from "../base/clock.ts";
import { assertId, newId } from "../wire/identifier.ts";
import type { Process as ProcessSpec } from "../wire/oci.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import { endExec } from "./exec_end.ts";
import { type ExecTarget, explainExecFailure, planExec } from "./exec_plan.ts";
import type { MakeSteps } from "./make_and_start.ts";
import type { ExecOptions } from "./spec/exec_process.ts";
import type { ExecRef } from "./task_api.ts";

/** How long taking back an exec may take. */
const undoMs = 5000;

/** What is to be run in a container. */
export interface ExecRunRequest extends ExecOptions {
  /** The exec's id; default a new one of 64 hex digits. */
  readonly execId?: string | undefined;
  /** What the container is called in messages; default its id. */
  readonly name?: string | undefined;
}

/** Options of making an exec. */
export interface ExecMakingOptions extends VerbOptions {
  /** Called before anything of it is made. */
  readonly onMaking?: ((process: ExecRef) => void) | undefined;
  /** Called with each thing that will not be as asked. */
  readonly onWarning?: ((warning: string) => void) | undefined;
  /** Called once nothing is left of it, in the runtime and on disk. */
  readonly onFreed?: (() => void | Promise<void>) | undefined;
}

/** An exec that is worked out and not made. */
export interface PlannedExec {
  readonly ref: ExecRef;
  readonly target: ExecTarget;
  readonly spec: ProcessSpec;
}

/** Works out an exec. Nothing is made; of a container that gantry runs, nothing is asked. */
export async function planExecRun(
  engine: Engine,
  containerId: string,
  { execId = newId(), name = containerId, ...options }: ExecRunRequest,
  { signal, onWarning }: ExecMakingOptions,
): Promise<PlannedExec> {
  assertId(containerId);
  assertId(execId);
  const target = { id: containerId, name };
  try {
    const { process, warnings } = await planExec(engine, target, { ...options, signal });
    for (const warning of warnings) onWarning?.(warning);
    return { ref: { containerId, execId }, target, spec: process };
  } catch (error) {
    throw await explainExecFailure(engine, target, { error, signal });
  }
}

/** Makes and starts an exec with the steps in between; takes it back when one fails. */
export async function beginExec(
  engine: Engine,
  { ref, target, spec }: PlannedExec,
  { signal, openStdio, created, clock, onMaking, onFreed }: MakeSteps & ExecMakingOptions & { readonly clock: Clock },
): Promise<{ readonly pid: number }> {
  onMaking?.(ref);
  const stdio = await openStdio();
  try {
    await engine.exec({ process: ref, spec, stdio }, { signal });
    await created?.(0);
    return await engine.start(ref, { signal });
  } catch (error) {
    // A start that was cut off may have gone through; what never ran is freed at once.
    if (await endExec(engine, ref, { clock, withinMs: undoMs })) await onFreed?.();
    throw await explainExecFailure(engine, target, { error, signal });
  }
}
