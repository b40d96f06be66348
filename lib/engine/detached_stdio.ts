import { systemError } from "../base/errno.ts";
import { mkfifo } from "../base/libc_files.ts";
import type { StdioPaths } from "../wire/task.ts";
import type { ContainerPlan } from "./container_plan.ts";

/**
 * The streams of a container that nobody attends to: its shim appends what it writes to two plain files, so no reader is
 * needed and nothing is lost when we die; with `log` none it goes nowhere. With `stdin` that stays open with nothing in it;
 * otherwise the process reads its end at once. The log files must be there.
 */
export async function detachedStdio(
  plan: ContainerPlan,
  { stdin }: { readonly stdin: boolean },
): Promise<StdioPaths> {
  const terminal = plan.spec.process?.terminal === true;
  const kept = plan.log === "file";
  return {
    // The shim holds both ends of the FIFO: it needs no writer, and the process sees no end.
    stdin: stdin ? await makeStdin(plan) : "",
    // For no stdout the runtime gives the process /dev/null; the master of a terminal somebody must read.
    stdout: kept ? plan.paths.stdoutLog : terminal ? "/dev/null" : "",
    stderr: kept && !terminal ? plan.paths.stderrLog : "",
    terminal,
  };
}

/** Makes the log files that are not there: a shim appends to them and does not make them. */
export async function ensureLogs({ paths }: Pick<ContainerPlan, "paths">): Promise<void> {
  try {
    await Deno.mkdir(paths.data, { recursive: true, mode: 0o700 });
    for (const path of [paths.stdoutLog, paths.stderrLog]) {
      using _file = await Deno.open(path, { append: true, create: true, mode: 0o600 });
    }
  } catch (error) {
    throw systemError(error, `make the log files in ${paths.data}`);
  }
}

async function makeStdin({ paths }: ContainerPlan): Promise<string> {
  try {
    await Deno.mkdir(paths.run, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw systemError(error, `make ${paths.run}`);
  }
  const path = `${paths.run}/stdin`;
  mkfifo(path, 0o600);
  return path;
}
