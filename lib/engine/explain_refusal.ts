import { GantryError, isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import type { TaskStatus } from "../wire/task.ts";
import type { Container } from "./container.ts";

/** What was refused. */
export type RefusedVerb = "kill" | "pause" | "resume";

/** How long a shim may take; a healthy one takes some 20 ms, and freezing many processes a few hundred. */
const answerMs = 15_000;

/**
 * Makes a call that needs a running container. Shims refuse with an error of no class ("cannot pause a stopped
 * container"), containerd with one that speaks of tasks: when it is refused, a look at the container says why.
 */
export async function explainRefusal<T>(
  call: (options: CallOptions) => Promise<T>,
  { container, verb, ...options }: CallOptions & { readonly container: Container; readonly verb: RefusedVerb },
): Promise<T> {
  try {
    return await call({ deadlineMs: answerMs, ...options });
  } catch (error) {
    if (isCode(error, "deadline_exceeded")) throw silence(container.id, error);
    const refused = isCode(error, "not_found") || isCode(error, "unknown") || isCode(error, "failed_precondition");
    if (!refused || options.signal?.aborted) throw error;
    throw await reasonOf(error, { container, verb, ...options }) ?? error;
  }
}

function silence(id: string, cause: unknown): GantryError {
  return new GantryError("deadline_exceeded", `the shim of container ${id} does not answer`, {
    cause,
    hint: `try again, or remove the container by force: gantry rm -f ${id.slice(0, 12)}`,
  });
}

async function reasonOf(
  cause: unknown,
  { container, verb, ...options }: CallOptions & { readonly container: Container; readonly verb: RefusedVerb },
): Promise<GantryError | undefined> {
  const { id } = container;
  const status = await statusOf(container, options).catch(() => undefined);
  if (status === "missing") return new GantryError("not_found", `no container ${id}`, { cause });
  if (status === "none" || status === "stopped") {
    // docker's class for a kill; the others are about a state that can change.
    return new GantryError(verb === "kill" ? "not_found" : "failed_precondition", `container ${id} does not run`, {
      cause,
      hint: `start it: gantry start ${id.slice(0, 12)}`,
    });
  }
  if (status === "paused" && verb === "pause") {
    return new GantryError("failed_precondition", `container ${id} is paused already`, { cause });
  }
  if (status === "running" && verb === "resume") {
    return new GantryError("failed_precondition", `container ${id} is not paused`, { cause });
  }
  return undefined;
}

/** `none` for a container without a task, `missing` when there is no container. */
async function statusOf(container: Container, options: CallOptions): Promise<TaskStatus | "none" | "missing"> {
  try {
    return (await container.task.state(options)).status;
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
  }
  try {
    await container.record(options);
    return "none";
  } catch (error) {
    if (isCode(error, "not_found")) return "missing";
    throw error;
  }
}
