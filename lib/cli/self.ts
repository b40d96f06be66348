/** Starting gantry again, as a process that outlives this one. */
import { buildInfo } from "../base/build_info.ts";
import { closeOnExecFrom } from "../base/libc_files.ts";

/** Options of {@link startSelf}. */
export interface StartSelfOptions {
  /** File its stdout and stderr are appended to. */
  readonly log: string;
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The program and the first arguments by which this very gantry is run again. */
export function selfCommand(env: Readonly<Record<string, string>>): readonly string[] {
  // The portable executable runs as Deno with a bundle; its stub says where it is itself.
  const executable = env["GANTRY_EXECUTABLE"];
  if (executable !== undefined && executable !== "") return [executable];
  if (buildInfo().built === "compiled") return [Deno.execPath()];
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "--allow-all", "--no-prompt", main];
}

/**
 * Runs gantry with `argv` in a session of its own, without our streams and descriptors: nothing waits for it, and it
 * notices nothing of our end. Resolves to its pid.
 */
export function startSelf(argv: readonly string[], { log, env }: StartSelfOptions): Promise<number> {
  closeOnExecFrom(3);
  // sh opens the log; exec keeps the pid.
  const script = 'log=$1; shift; exec "$@" >>"$log" 2>&1 </dev/null';
  const command = new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", log, ...selfCommand(env), ...argv],
    env: { ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  });
  const child = command.spawn();
  child.unref();
  return Promise.resolve(child.pid);
}
