import { GantryError, isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import type { TaskStatus } from "../wire/task.ts";
import { ignoreMissing } from "./ignore_missing.ts";
import type { Task } from "./task.ts";

/**
 * Makes room for a new task of a stored container: frees one that has ended, or that somebody made and died before
 * starting it. `failed_precondition` when one runs.
 */
export async function freeForStart(task: Task, name: string, options: CallOptions): Promise<void> {
  let status: TaskStatus;
  try {
    status = (await task.state(options)).status;
  } catch (error) {
    if (isCode(error, "not_found")) return;
    throw error;
  }
  if (status === "stopped") await ignoreMissing(task.delete(options));
  else if (status === "created") await task.forceDelete(options);
  else throw startRefusal(name, status);
}

/** Why a container whose task has this status cannot be started. */
export function startRefusal(name: string, status: TaskStatus): GantryError {
  switch (status) {
    case "paused":
    case "pausing":
      return new GantryError("failed_precondition", `container ${name} is paused`, {
        hint: `let it go on: gantry resume ${name}`,
      });
    case "unknown":
      return new GantryError("failed_precondition", `the shim of container ${name} does not answer`, {
        hint:
          `remove the container by force (gantry rm -f ${name}), or look at its shim: ps -C containerd-shim-runc-v2`,
      });
    default:
      return new GantryError("failed_precondition", `container ${name} runs already`, {
        hint: `stop it first, or start it anew: gantry restart ${name}`,
      });
  }
}
