import { type Clock, systemClock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { GantryError, messageOf } from "../base/errors.ts";
import { findProgram } from "../base/find_program.ts";
import { runProgram } from "./run_program.ts";

/** Version of containerd's configuration file format. */
export type ConfigVersion = 2 | 3 | 4;

/** A containerd program that has said its version. */
export interface ContainerdBinary {
  /** Where it was found. */
  readonly path: string;
  /** The file itself, symbolic links resolved. */
  readonly executable: string;
  /** What it says, without a leading `v`, e.g. `1.7.24~ds1`. */
  readonly version: string;
  /** First number of the version. */
  readonly major: number;
  /** Second number of the version. */
  readonly minor: number;
  /** The newest format it reads without a migration. */
  readonly configVersion: ConfigVersion;
  /** Changes when the file is replaced, e.g. by a package upgrade. */
  readonly fingerprint: string;
}

/** Options of {@link inspectBinary}. */
export interface InspectOptions {
  /** Directories to search, as in PATH; default the environment's. */
  readonly searchPath?: string | undefined;
  /** What was found before: `--version` is not run again for the same file. */
  readonly known?: ContainerdBinary | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

const versionTimeoutMs = 10_000;

/**
 * Finds containerd and asks for its version. Not there is `not_found`, not executable `permission_denied`, anything
 * but a containerd of version 1.6 or later `failed_precondition`; each says where it looked.
 */
export async function inspectBinary(name: string, options: InspectOptions = {}): Promise<ContainerdBinary> {
  const { searchPath = Deno.env.get("PATH") ?? "", known } = options;
  const path = findProgram(name, { searchPath, otherwise: "install containerd or name it with --containerd PATH" });
  const hint = name.includes("/") ? `${name} comes from --containerd` : `searched ${searchPath || "an empty PATH"}`;
  const executable = await Deno.realPath(path).catch((error) => {
    throw systemError(error, `resolve ${path}`);
  });
  const fingerprint = await fingerprintOf(executable);
  if (known !== undefined && known.executable === executable && known.fingerprint === fingerprint) return known;
  const output = await versionOutput(path, { hint, options });
  const version = parseVersion(output);
  if (version === undefined) {
    const shown = output.trim() === "" ? "nothing" : JSON.stringify(output.slice(0, 200).trim());
    throw new GantryError("failed_precondition", `${path} --version printed ${shown}: that is no containerd`, { hint });
  }
  const { major, minor } = version;
  if (major < 1 || (major === 1 && minor < 6)) {
    throw new GantryError(
      "failed_precondition",
      `${path} is containerd ${version.version}; gantry needs 1.6 or later`,
      {
        hint,
      },
    );
  }
  return { path, executable, ...version, configVersion: configVersionOf(major, minor), fingerprint };
}

/** Reads the output of `containerd --version`: `containerd PACKAGE VERSION [REVISION]`; undefined for anything else. */
export function parseVersion(
  output: string,
): Pick<ContainerdBinary, "version" | "major" | "minor"> | undefined {
  const match = /^containerd \S+ v?(([0-9]{1,4})\.([0-9]{1,4})\.[0-9]{1,4}[^\s]*)(?: \S*)?\s*$/.exec(output);
  const [, version, major, minor] = match ?? [];
  if (version === undefined) return undefined;
  return { version, major: Number(major), minor: Number(minor) };
}

/** The newest configuration format that containerd `major.minor` knows. */
export function configVersionOf(major: number, minor: number): ConfigVersion {
  if (major < 2) return 2;
  return major === 2 && minor < 3 ? 3 : 4;
}

interface VersionRequest {
  readonly hint: string;
  readonly options: InspectOptions;
}

async function versionOutput(path: string, { hint, options }: VersionRequest): Promise<string> {
  const { clock = systemClock, signal } = options;
  try {
    const result = await runProgram(path, { args: ["--version"], timeoutMs: versionTimeoutMs, clock, signal });
    if (result.code === 0) return result.stdout;
    const how = result.signal === undefined ? `exit code ${result.code}` : `signal ${result.signal}`;
    throw new GantryError(
      "failed_precondition",
      `${path} --version failed with ${how}: ${result.stderr.trim().slice(0, 200) || "it printed nothing"}`,
      { hint },
    );
  } catch (error) {
    if (!(error instanceof GantryError) || signal?.aborted) throw error;
    throw new GantryError(error.code, messageOf(error), { hint: error.hint ?? hint, cause: error });
  }
}

async function fingerprintOf(path: string): Promise<string> {
  const { dev, ino, size, mtime } = await Deno.stat(path).catch((error) => {
    throw systemError(error, `look at ${path}`);
  });
  return [dev, ino, size, mtime?.getTime()].join(":");
}
