import { errnoOf, systemError } from "./errno.ts";
import { GantryError } from "./errors.ts";

/** Where {@link findProgram} looks, and what it says when there is nothing. */
export interface FindProgramOptions {
  /** Directories to search, as in PATH. */
  readonly searchPath: string;
  /** What a user may do instead of having it in PATH, e.g. `name another shim with --shim PATH`. */
  readonly otherwise: string;
}

const anyoneMayExecute = 0o111;

/**
 * The first executable file of that name; a name with a slash is taken as it is. `not_found`, or `permission_denied` for
 * what may not be executed. Synchronous: a cold process takes milliseconds for its first asynchronous call on a file.
 */
export function findProgram(name: string, { searchPath, otherwise }: FindProgramOptions): string {
  if (name.includes("/")) {
    const problem = whyNotExecutable(name, otherwise);
    // Programs are run from the root directory, so that nobody keeps another directory busy.
    if (problem === undefined) return name.startsWith("/") ? name : `${Deno.cwd()}/${name}`;
    throw problem;
  }
  let unusable: GantryError | undefined;
  for (const directory of searchPath.split(":")) {
    // A relative entry would run whatever lies in the directory gantry happens to be started from.
    if (!directory.startsWith("/")) continue;
    const path = `${directory.replace(/\/+$/, "")}/${name}`;
    const problem = whyNotExecutable(path, otherwise);
    if (problem === undefined) return path;
    if (problem.code !== "not_found") unusable ??= problem;
  }
  throw unusable ?? new GantryError("not_found", `no program named ${name} was found`, {
    hint: `searched ${searchPath || "an empty PATH"}; ${otherwise}`,
  });
}

function whyNotExecutable(path: string, hint: string): GantryError | undefined {
  try {
    const { isFile, mode } = Deno.statSync(path);
    if (isFile && (mode === null || (mode & anyoneMayExecute) !== 0)) return undefined;
    return new GantryError("permission_denied", `${path} is ${isFile ? "not executable" : "not a file"}`, { hint });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || errnoOf(error) === "ENOTDIR") {
      return new GantryError("not_found", `there is no program ${path}`, { hint, cause: error });
    }
    return systemError(error, `look at ${path}`);
  }
}
