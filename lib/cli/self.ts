/** Starting gantry again, as a process that outlives this one. */
import { selfCommand } from "../base/build_info.ts";
import { spawnDetached } from "../base/spawn_detached.ts";

/** Options of {@link startSelf}. */
export interface StartSelfOptions {
  /** File its stdout and stderr are appended to; absolute. */
  readonly log: string;
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs gantry with `argv` in a session of its own, without our streams and descriptors, in the root directory: nothing
 * waits for it, it notices nothing of our end, and it keeps no file system busy. Paths in `argv` must be absolute.
 * Gives its pid.
 */
export function startSelf(argv: readonly string[], { log, env }: StartSelfOptions): number {
  // sh opens the log; exec keeps the pid.
  const script = 'log=$1; shift; exec "$@" >>"$log" 2>&1';
  const args = ["-c", script, "sh", log, ...selfCommand(), ...argv];
  return spawnDetached("/bin/sh", { args, env, cwd: "/" }).pid;
}
