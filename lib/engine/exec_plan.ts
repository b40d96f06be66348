import { GantryError, isCode, toGantryError } from "../base/errors.ts";
import { shortId } from "../wire/identifier.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import { waitsForStart } from "./runc_state.ts";
import { buildExecProcess, type BuiltProcess, type ExecOptions } from "./spec/exec_process.ts";
import { readHostFacts } from "./spec/host_facts.ts";
import { resolveUser } from "./spec/users.ts";
import { startFailureOf } from "./start_failure.ts";

/** Which container. */
export interface ExecTarget {
  readonly id: string;
  /** What it is called in messages. */
  readonly name: string;
}

/** Works out the process of an exec in a running container, without an RPC where that can be. */
export async function planExec(
  engine: Engine,
  target: ExecTarget,
  { signal, ...options }: ExecOptions & VerbOptions,
): Promise<BuiltProcess> {
  const { pid, spec } = await engine.running(target.id, { signal }).catch((error: unknown) => {
    throw isCode(error, "failed_precondition") ? notRunning(target, "stopped", error) : error;
  });
  // containerd would run the exec all the same.
  if (waitsForStart(target.id, engine)) throw notRunning(target, "created");
  const { user = "" } = options;
  const resolvedUser = user === "" ? undefined : await resolveUser(`/proc/${pid}/root`, user, { signal });
  return buildExecProcess({ spec, options, resolvedUser, host });
}

/** Read only when somebody wants to know: a privileged exec. */
const host = {
  get capabilities(): readonly string[] {
    return readHostFacts().capabilities;
  },
};

/**
 * What a failure to make or start an exec comes from: the shims tell a stopped or paused container as errors of no class.
 * Asks for the container's state, which costs nothing where all goes well.
 */
export async function explainExecFailure(
  engine: Engine,
  target: ExecTarget,
  { error, signal }: { readonly error: unknown; readonly signal: AbortSignal | undefined },
): Promise<unknown> {
  if (signal?.aborted || isCode(error, "unavailable") || startFailureOf(error) !== undefined) return error;
  if (isCode(error, "invalid_argument") || !(error instanceof GantryError)) return error;
  try {
    const { status } = await engine.state({ containerId: target.id }, { signal });
    if (status === "running" || status === "unknown") return error;
    return notRunning(target, status, error);
  } catch (second) {
    // No task, so it does not run; a container that is not there at all was told so before.
    return isCode(toGantryError(second), "not_found") && !isCode(error, "not_found")
      ? notRunning(target, "stopped", error)
      : error;
  }
}

function notRunning({ id, name }: ExecTarget, status: string, cause?: unknown): GantryError {
  const isPaused = status === "paused" || status === "pausing";
  const verb = isPaused ? "resume" : "start";
  return new GantryError("failed_precondition", `container ${name} ${isPaused ? "is paused" : "does not run"}`, {
    hint: `gantry ${verb} ${name === id ? shortId(id) : name}`,
    cause,
  });
}
