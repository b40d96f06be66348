import { mkfifo } from "../base/libc_files.ts";
import type { StdioPaths } from "../wire/task.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { Engine, VerbOptions } from "./engine.ts";

/** Options of {@link runDetached}. */
export interface DetachedOptions extends VerbOptions {
  /** Keeps stdin open with nothing in it; otherwise the process reads its end at once. */
  readonly stdin: boolean;
}

/**
 * Makes and starts a container that nobody attends to: its shim appends what it writes to two plain files, so no reader is
 * needed and nothing is lost when we die. Whatever fails is undone.
 */
export async function runDetached(
  engine: Engine,
  plan: ContainerPlan,
  { stdin, signal }: DetachedOptions,
): Promise<{ readonly pid: number }> {
  const terminal = plan.spec.process?.terminal === true;
  const stdio: StdioPaths = {
    // The shim holds both ends of the FIFO: it needs no writer, and the process sees no end.
    stdin: stdin ? await makeStdin(plan) : "",
    stdout: plan.paths.stdoutLog,
    stderr: terminal ? "" : plan.paths.stderrLog,
    terminal,
  };
  const { pid } = await engine.create(plan, stdio, { signal });
  try {
    await engine.start({ containerId: plan.id }, { signal });
  } catch (error) {
    await engine.remove(plan.id, { force: true }).catch(() => {});
    throw error;
  }
  return { pid };
}

async function makeStdin(plan: ContainerPlan): Promise<string> {
  await Deno.mkdir(plan.paths.run, { recursive: true, mode: 0o700 });
  const path = `${plan.paths.run}/stdin`;
  mkfifo(path, 0o600);
  return path;
}
