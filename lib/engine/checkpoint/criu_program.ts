import { errnoOf, systemError } from "../../base/errno.ts";
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
  using time = deadline(limits.timeoutMs, limits.signal);
  const command = new Deno.Command(path, {
    args: ["--version"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    signal: time.signal,
  });
  let text: string;
  try {
    const { stdout } = await command.output();
    text = new TextDecoder().decode(stdout);
  } catch (error) {
    if (errnoOf(error) !== undefined) throw systemError(error, `run ${path}`);
    throw error;
  }
  if (time.signal.aborted) throw time.signal.reason;
  const version = /^Version: (\S+)/m.exec(text)?.[1];
  if (version !== undefined) return version;
  throw new GantryError(
    "failed_precondition",
    `${path} --version does not say a version: ${JSON.stringify(text.slice(0, 80))}`,
  );
}
