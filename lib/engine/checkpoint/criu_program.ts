import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";
import { deadline } from "../../base/clock.ts";

/** The CRIU that a runtime will run. */
export interface CriuProgram {
  /** Absolute path. */
  readonly path: string;
  /** E.g. `4.1.1`. */
  readonly version: string;
}

/** Options of {@link findCriu}. */
export interface FindCriuOptions {
  /** The PATH of whoever runs it: the shim's, which is containerd's. */
  readonly searchPath: string;
  /** Milliseconds `criu --version` may take; default 5000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the question early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds CRIU as runc does (through PATH; containerd 1.7 and later ignore the option `criu_path`) and asks its version.
 * `not_found` when there is none.
 */
export async function findCriu(options: FindCriuOptions): Promise<CriuProgram> {
  const { searchPath, timeoutMs = 5000, signal } = options;
  for (const directory of searchPath.split(":")) {
    const path = `${directory}/criu`;
    if (directory.startsWith("/") && await isProgram(path)) {
      return { path, version: await versionOf(path, { timeoutMs, signal }) };
    }
  }
  throw new GantryError("not_found", `there is no criu in ${searchPath}`, {
    hint: "install CRIU (Debian: criu), or put it into the PATH that containerd is started with",
  });
}

/** Release of the running kernel, e.g. `6.12.41+deb13-amd64`. */
export async function kernelRelease(): Promise<string> {
  return (await Deno.readTextFile("/proc/sys/kernel/osrelease")).trim();
}

async function isProgram(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

async function versionOf(
  path: string,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<string> {
  limits.signal?.throwIfAborted();
  using time = deadline(limits.timeoutMs, limits.signal);
  let child: Deno.ChildProcess;
  try {
    // A group of its own: a wrapper script's children would keep the pipe open when only the script is killed.
    child = new Deno.Command(path, {
      args: ["--version"],
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    throw systemError(error, `run ${path}`);
  }
  const kill = (): void => killGroup(child.pid);
  time.signal.addEventListener("abort", kill, { once: true });
  const { stdout } = await child.output();
  if (time.signal.aborted) throw time.signal.reason;
  time.signal.removeEventListener("abort", kill);
  const text = new TextDecoder().decode(stdout);
  const version = /^Version: (\S+)/m.exec(text)?.[1];
  if (version !== undefined) return version;
  throw new GantryError(
    "failed_precondition",
    `${path} --version does not say a version: ${JSON.stringify(text.slice(0, 80))}`,
  );
}

function killGroup(leader: number): void {
  try {
    Deno.kill(-leader, "SIGKILL");
  } catch {
    // Ended meanwhile.
  }
}
