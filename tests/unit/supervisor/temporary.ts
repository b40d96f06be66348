import { loadLibc } from "../../../lib/base/libc.ts";
import { defaultOptions, type SupervisorOptions } from "../../../lib/supervisor/options.ts";
import { type InstancePaths, instancePaths } from "../../../lib/supervisor/paths.ts";

// Opened inside a test, the library would count as leaked.
loadLibc();

/** A directory with room for an instance; removed with all that is in it. */
export interface Place extends AsyncDisposable {
  readonly path: string;
  readonly options: SupervisorOptions;
  readonly paths: InstancePaths;
}

/** Makes one. `options` are laid over the defaults, with short times. */
export async function place(options: Partial<SupervisorOptions> = {}): Promise<Place> {
  const path = await Deno.makeTempDir({ prefix: "gs-" });
  const all: SupervisorOptions = {
    ...defaultOptions,
    root: `${path}/r`,
    state: `${path}/s`,
    startTimeoutMs: 2000,
    stopTimeoutMs: 2000,
    ...options,
  };
  return {
    path,
    options: all,
    paths: instancePaths(all),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Makes the state and log directories as a supervisor would. */
export async function withDirectories(made: Place): Promise<Place> {
  const { paths } = made;
  for (const directory of [paths.state, paths.logDirectory, paths.containerdTemp]) {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  }
  return made;
}
