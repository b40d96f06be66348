import { selfCommand } from "../base/build_info.ts";
import { spawnWatcher } from "../base/spawn_detached.ts";
import type { ExecRef } from "../engine/task_api.ts";
import type { Engine } from "../engine/engine.ts";
import type { CliContext } from "./context.ts";
import { engineFlags } from "./engine.ts";
import { startSelf } from "./self.ts";

/** Options of {@link ExecWatcher} and {@link startExecDrainer}. */
export interface ExecKeeperOptions {
  readonly context: CliContext;
  /** Who has the container. */
  readonly engine: Pick<Engine, "kind" | "address">;
}

/**
 * A shell that waits for the end of this process, however it comes: it then runs `gantry keep-exec`, which kills the exec
 * and frees it. It costs what /bin/sh costs, 1 ms and less than 1 MB, for the shell reads from a pipe of ours: gantry itself
 * is started only when that pipe is closed by the kernel.
 */
export class ExecWatcher implements Disposable {
  readonly #pid: number;

  constructor(process: ExecRef, options: ExecKeeperOptions) {
    const script = 'read -r x || exec "$@" </dev/null';
    const args = ["-c", script, "sh", ...selfCommand(), ...keepArguments(process, options)];
    this.#pid = spawnWatcher("/bin/sh", { args, env: options.context.env, cwd: "/" }).child.pid;
  }

  /** The exec has been freed: nobody needs to watch. Never disposed, it acts. */
  [Symbol.dispose](): void {
    // Not waited for: this process is about to end, and the answer is known.
    Deno.kill(this.#pid, "SIGKILL");
  }
}

/** Starts `gantry keep-exec --drain`, for an exec that was let go of: it reads what the exec writes, and frees it at its end. */
export function startExecDrainer(process: ExecRef, options: ExecKeeperOptions): void {
  const { env } = options.context;
  startSelf(keepArguments(process, options, ["--drain"]), { log: "/dev/null", env });
}

function keepArguments(
  { containerId, execId }: ExecRef,
  { context, engine }: ExecKeeperOptions,
  flags: readonly string[] = [],
): readonly string[] {
  return ["keep-exec", ...engineFlags(engine, context), ...flags, containerId, execId];
}
