import { systemError } from "../base/errno.ts";
import { mkfifo } from "../base/libc_files.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import { makeAndStart } from "./make_and_start.ts";

/** Options of {@link runDetached}. */
export interface DetachedOptions extends VerbOptions {
  /** Keeps stdin open with nothing in it; otherwise the process reads its end at once. */
  readonly stdin: boolean;
  /** Called with its pid before it runs; when it fails, the container is undone. */
  readonly onCreated?: ((pid: number) => Promise<void>) | undefined;
}

/**
 * Makes and starts a container that nobody attends to: its shim appends what it writes to two plain files, so no reader is
 * needed and nothing is lost when we die; with `log` none it goes nowhere. Whatever fails is undone.
 */
export async function runDetached(
  engine: Engine,
  plan: ContainerPlan,
  { stdin, signal, onCreated }: DetachedOptions,
): Promise<{ readonly pid: number }> {
  const terminal = plan.spec.process?.terminal === true;
  const kept = plan.log === "file";
  return await makeAndStart(engine, plan, {
    signal,
    openStdio: async () => ({
      // The shim holds both ends of the FIFO: it needs no writer, and the process sees no end.
      stdin: stdin ? await makeStdin(plan) : "",
      // For no stdout the runtime gives the process /dev/null; the master of a terminal somebody must read.
      stdout: kept ? plan.paths.stdoutLog : terminal ? "/dev/null" : "",
      stderr: kept && !terminal ? plan.paths.stderrLog : "",
      terminal,
    }),
    created: onCreated,
  });
}

async function makeStdin(plan: ContainerPlan): Promise<string> {
  try {
    await Deno.mkdir(plan.paths.run, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw systemError(error, `make ${plan.paths.run}`);
  }
  const path = `${plan.paths.run}/stdin`;
  mkfifo(path, 0o600);
  return path;
}
