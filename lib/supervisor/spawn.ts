import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { closeOnExecFrom } from "../base/libc_files.ts";
import { readIdentity } from "../base/proc.ts";
import type { Child, ChildEnd } from "./child.ts";

/** What to run, and how. */
export interface SpawnOptions {
  /** The program as it is to be called. */
  readonly program: string;
  readonly args: readonly string[];
  /** Directories put before PATH, so that the program finds what was installed with it. */
  readonly binDirectories: readonly string[];
  /** Its stdout and stderr are appended here. */
  readonly log: string;
  /** Kills it when this process dies. */
  readonly dieWithParent: boolean;
  readonly version: string;
  /** The environment before it is filtered; default our own. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Variables that speak to this very process: a child that sent READY=1, WATCHDOG=1 or took sockets in our name would
 * mislead systemd. Ours (GANTRY_*) are nothing to containerd or its shims.
 */
const withheld =
  /^(NOTIFY_SOCKET|WATCHDOG_USEC|WATCHDOG_PID|LISTEN_.*|MAINPID|INVOCATION_ID|JOURNAL_STREAM|GANTRY_.*)$/;

/**
 * Deno.Command can give a child neither a file as stdout nor a signal for its parent's death, so a shell does it and
 * becomes the program (same pid). The file must be the program's own: a pipe to us would break with our death. `umask`
 * as systemd gives it: containerd relies on it for what user namespaces must traverse.
 *
 * The test of PPID ends a child whose parent was killed before the child was a shell: until then nobody could have found
 * it by its command line, and the next supervisor may have started another containerd. It also covers PDEATHSIG, which
 * counts only from the moment it is set.
 */
const shell = `test "$PPID" = ${Deno.pid} || exit 125; umask 022; exec "$@" >>"$0" 2>&1`;

/** Starts a program in a session of its own, with no descriptor of ours. Resolves once it has been executed. */
export async function spawnProgram(options: SpawnOptions): Promise<Child> {
  const { program, args, log, dieWithParent, version, signal } = options;
  signal?.throwIfAborted();
  const script = ["-c", shell, log, program, ...args];
  const command = new Deno.Command(dieWithParent ? "setpriv" : "/bin/sh", {
    args: dieWithParent ? ["--pdeathsig", "KILL", "--", "/bin/sh", ...script] : script,
    detached: true,
    // Holds no directory of the user's busy.
    cwd: "/",
    clearEnv: true,
    env: childEnvironment(options.env ?? Deno.env.toObject(), options.binDirectories),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  closeOnExecFrom(3);
  let child: Deno.ChildProcess;
  try {
    child = command.spawn();
  } catch (error) {
    if (!dieWithParent || !(error instanceof Deno.errors.NotFound)) throw systemError(error, `start ${program}`);
    throw new GantryError("failed_precondition", "there is no setpriv, which --die-with-parent needs", {
      hint: "install util-linux, or leave --die-with-parent out",
      cause: error,
    });
  }
  const ended = child.status.then(({ code, signal }): ChildEnd => signal === null ? { code } : { signal });
  const abort = (): void => kill(child);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    // The shell's stderr is closed by the exec: its end says that the program runs, its content that it does not.
    const complaint = (await new Response(child.stderr).text()).trim();
    if (complaint !== "" || signal?.aborted) {
      kill(child);
      await ended;
      signal?.throwIfAborted();
      throw new GantryError("failed_precondition", `cannot start ${program}: ${complaint}`);
    }
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  const identity = await readIdentity(child.pid);
  if (identity !== undefined) return { identity, adopted: false, version, ended };
  await ended;
  // It was too quick to be seen; the number belongs to nobody now.
  return { identity: { pid: child.pid, startTime: -1n, executable: program }, adopted: false, version, ended };
}

/** The environment of the child: ours without what is meant for us alone, its own directory first in PATH. */
export function childEnvironment(
  ours: Readonly<Record<string, string>>,
  binDirectories: readonly string[],
): Record<string, string> {
  const kept = Object.entries(ours).filter(([name]) => !withheld.test(name));
  const path = [...binDirectories, ours["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  return { ...Object.fromEntries(kept), PATH: path.join(":") };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
