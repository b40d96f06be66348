import { selfCommand } from "../base/build_info.ts";
import { closeOnExecFrom } from "../base/libc_files.ts";
import type { ExecRef } from "../engine/task_api.ts";
import type { CliContext } from "./context.ts";
import { startSelf } from "./self.ts";

/** Options of {@link ExecWatcher} and {@link startExecDrainer}. */
export interface ExecKeeperOptions {
  readonly context: CliContext;
  /** Socket of the containerd that has the container. */
  readonly address: string;
}

/**
 * A shell that waits for the end of this process, however it comes: it then runs `gantry keep-exec`, which kills the exec
 * and frees it. It costs what /bin/sh costs, 1 ms and less than 1 MB, for the shell reads from a pipe of ours: gantry itself
 * is started only when that pipe is closed by the kernel.
 */
export class ExecWatcher implements Disposable {
  readonly #child: Deno.ChildProcess;

  constructor(process: ExecRef, options: ExecKeeperOptions) {
    // One that inherits the pipes of our caller would make a `$(…)` wait for it.
    closeOnExecFrom(3);
    this.#child = new Deno.Command("/bin/sh", {
      args: [
        "-c",
        'cd /; read -r x || exec "$@" </dev/null',
        "sh",
        ...selfCommand(),
        ...keepArguments(process, options),
      ],
      env: { ...options.context.env },
      clearEnv: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      // In a session of its own: the ctrl-c of our terminal is not for it.
      detached: true,
    }).spawn();
    this.#child.unref();
  }

  /** The exec has been freed: nobody needs to watch. Never disposed, it acts. */
  [Symbol.dispose](): void {
    // Not waited for: this process is about to end, and the answer is known.
    this.#child.kill("SIGKILL");
  }
}

/** Starts `gantry keep-exec --drain`, for an exec that was let go of: it reads what the exec writes, and frees it at its end. */
export async function startExecDrainer(process: ExecRef, options: ExecKeeperOptions): Promise<void> {
  const { env } = options.context;
  await startSelf(keepArguments(process, options, ["--drain"]), { log: "/dev/null", env });
}

function keepArguments(
  { containerId, execId }: ExecRef,
  { context, address }: ExecKeeperOptions,
  flags: readonly string[] = [],
): readonly string[] {
  const { root, state, namespace } = context.settings;
  const where = ["--root", root, "--state", state, "--namespace", namespace, "--address", address];
  return ["keep-exec", ...where, ...flags, containerId, execId];
}
