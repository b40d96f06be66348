/** What runc and the shim write down of a task, and keep until it is deleted: more than containerd tells. */
import { timeOfTicks } from "../../base/start_time.ts";
import { processState } from "../../base/proc.ts";
import { readRuncState, type RuncScope } from "../runc_state.ts";

/** What is known of a task, also of one that has ended. */
export interface TaskFiles {
  /** When its first process was made, milliseconds since 1970. */
  readonly startedAt: number | undefined;
  /** Directory of its bundle. */
  readonly bundle: string | undefined;
  /** Ids of the execs that run in it. */
  readonly execIds: readonly string[];
}

/** Reads the files; empty for a task of another runtime, and without one. */
export function readTaskFiles(id: string, scope: RuncScope): TaskFiles {
  const { startTime, bundle } = readRuncState(id, scope) ?? {};
  return {
    startedAt: startTime === undefined ? undefined : timeOfTicks(Number(startTime)),
    bundle,
    execIds: bundle === undefined ? [] : execIdsIn(bundle),
  };
}

/** The shim has runc write the pid of each exec to `ID.pid`, and removes that when the exec is deleted. */
function execIdsIn(bundle: string): readonly string[] {
  try {
    return Array.from(Deno.readDirSync(bundle), ({ name }) => name)
      .filter((name) => name.endsWith(".pid") && name !== "init.pid")
      .filter((name) => isRunning(Number(read(`${bundle}/${name}`) ?? "")))
      .map((name) => name.slice(0, -".pid".length)).sort();
  } catch {
    // Deleted at this moment.
    return [];
  }
}

function isRunning(pid: number): boolean {
  return pid > 0 && ![undefined, "Z", "X"].includes(processState(pid));
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
