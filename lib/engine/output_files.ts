import { readTextIfExists } from "../base/atomic_file.ts";
import { GantryError } from "../base/errors.ts";
import { pidsWithOpen } from "../base/open_files.ts";
import { processState, readStat } from "../base/proc.ts";
import type { ContainerPlan } from "./container_plan.ts";
import { ensureLogs } from "./detached_stdio.ts";
import { keptPath } from "./kept.ts";
import type { ProcessState } from "./task_api.ts";

/** The files that the output of a running container goes to. */
export interface OutputFiles {
  /** stdout, or all that a terminal shows. */
  readonly stdout: string;
  /** Undefined with a terminal, and for a container that writes both to one file. */
  readonly stderr: string | undefined;
  /** Pids of those who write to the files; some may have ended. */
  readonly writers: readonly number[];
}

/**
 * Where the output of a running container goes. `failed_precondition` when that is nowhere, or only to somebody who attends
 * to it.
 */
export async function outputFiles(plan: ContainerPlan, { pid, stdio }: ProcessState): Promise<OutputFiles> {
  const { stdoutLog, stderrLog } = plan.paths;
  const kind = await kindOf(stdio.stdout);
  const stderr = stdio.terminal || stdio.stderr === stdio.stdout ? undefined : stdio.stderr;
  // The parent of a container's first process is its shim.
  if (kind === "file") return { stdout: stdio.stdout, stderr, writers: parentOf(pid) };
  if (kind === "none" || plan.log === "none") {
    throw new GantryError("failed_precondition", `the output of container ${plan.name} is kept nowhere`, {
      hint: "a container that is made without --log none can be attached to",
    });
  }
  const keeper = Number(await readTextIfExists(keptPath(plan)));
  if (!Number.isSafeInteger(keeper) || keeper <= 0) throw attendedElsewhere(plan, stdio.stdout);
  if (processState(keeper) === undefined) {
    throw new GantryError("failed_precondition", `process ${keeper}, which kept the output of ${plan.name}, has died`, {
      hint: `start the container anew: gantry restart ${plan.name}`,
    });
  }
  // It may have opened its FIFOs a moment ago, and not its files yet.
  await ensureLogs(plan);
  return { stdout: stdoutLog, stderr: stdio.terminal ? undefined : stderrLog, writers: [keeper] };
}

async function kindOf(path: string): Promise<"file" | "none" | "other"> {
  if (path === "" || path === "/dev/null") return "none";
  try {
    return (await Deno.stat(path)).isFile ? "file" : "other";
  } catch {
    // A URI such as binary://, or a FIFO that was unlinked once both sides had it.
    return "other";
  }
}

function attendedElsewhere({ name }: ContainerPlan, fifo: string): GantryError {
  const readers = pidsWithOpen(fifo).filter((pid) => !isShim(pid));
  const who = readers.length === 0 ? "another client" : `process ${readers.join(", ")}`;
  return new GantryError("failed_precondition", `container ${name} is attended to by ${who}`, {
    hint: "its output goes there; once that has detached from it, or when it was started detached, attach can follow",
  });
}

function isShim(pid: number): boolean {
  return readStat(pid)?.command.startsWith("containerd-shim") === true;
}

function parentOf(pid: number): readonly number[] {
  const parent = readStat(pid)?.parent;
  return parent === undefined || parent <= 1 ? [] : [parent];
}
