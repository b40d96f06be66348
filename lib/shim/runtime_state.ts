import { systemError } from "../base/errno.ts";
import { deadline } from "../base/clock.ts";
import { getLogger } from "../base/log.ts";

const log = getLogger("shim");

/** What the OCI runtime has of a container. */
export interface RuntimeState {
  /** The runtime's program: a path, or a name to be found by PATH. */
  readonly binary: string;
  /** Directory of its state of all containers of the namespace. */
  readonly root: string;
  /** The container's id. */
  readonly id: string;
}

/** Options of {@link deleteByRuntime}. */
export interface RuntimeDeleteOptions {
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How long the runtime may take; it kills the container and waits for it, 0.1 to 2 s. */
const deleteMs = 15_000;

/** Has the runtime kill a container and forget it. What it says is not asked: the caller looks at what is left. */
export async function deleteByRuntime(
  { binary, root, id }: RuntimeState,
  { path, signal }: RuntimeDeleteOptions,
): Promise<void> {
  using limit = deadline(deleteMs, signal);
  const env: Record<string, string> = path === undefined ? {} : { PATH: path };
  try {
    await new Deno.Command(binary, {
      args: ["--root", root, "delete", "--force", id],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: limit.signal,
    }).output();
  } catch (error) {
    log.debug("the runtime's delete cannot be run", { id, error });
  }
  signal?.throwIfAborted();
}

/** Removes what a runtime that was killed has left of its state. */
export async function removeRuntimeState({ root, id }: Pick<RuntimeState, "root" | "id">): Promise<void> {
  try {
    await Deno.remove(`${root}/${id}`, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove ${root}/${id}`);
  }
}
