/**
 * Execs that nobody attends to. The shim keeps of each one that has ended its exit code and a pid file until somebody frees
 * it, so that a health check every second would fill memory and disk. No process is kept for that: a file
 * `EXECID.PID.STARTTIME` says who is to be freed, and the next one that is started this way does it.
 */
import type { Clock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { readStat } from "../base/proc.ts";
import { isId } from "../wire/identifier.ts";
import type { Engine } from "./engine.ts";
import { execsDirectory, removeEmptyAbove } from "./exec_directory.ts";
import { endExec } from "./exec_end.ts";
import { isAlive, type Maker } from "./maker.ts";
import type { ExecRef } from "./task_api.ts";

/** How long freeing the ended ones may hold up a start. */
const freeMs = 1000;

/** Notes that an exec belongs to nobody from here on; one that has ended already is freed. */
export async function leaveExec(
  engine: Engine,
  ref: ExecRef,
  { pid, clock }: { readonly pid: number; readonly clock: Clock },
): Promise<void> {
  const stat = readStat(pid);
  if (stat === undefined) {
    await endExec(engine, ref, { clock, withinMs: freeMs });
    return;
  }
  const directory = execsDirectory(engine, ref.containerId);
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${directory}/${ref.execId}.${pid}.${stat.startTime}`, "", { mode: 0o600 });
  } catch (error) {
    throw systemError(error, `note exec ${ref.execId} in ${directory}`);
  }
}

/** Frees those of a container that have ended since. Never fails: what cannot be freed now waits for the next one. */
export async function freeEndedExecs(engine: Engine, containerId: string, clock: Clock): Promise<void> {
  const directory = execsDirectory(engine, containerId);
  const ended = notesIn(directory).filter((note) => !isAlive(note));
  if (ended.length === 0) return;
  await Promise.all(ended.map(async ({ execId, file }) => {
    if (!await endExec(engine, { containerId, execId }, { clock, withinMs: freeMs })) return;
    await Deno.remove(`${directory}/${file}`).catch(() => {});
  }));
  await removeEmptyAbove(engine, containerId);
}

interface Note extends Maker {
  readonly file: string;
  readonly execId: string;
}

function notesIn(directory: string): readonly Note[] {
  try {
    return [...Deno.readDirSync(directory)].flatMap(({ name: file }) => {
      const [, execId = "", pid, startTime] = /^(.+)\.(\d+)\.(\d+)$/.exec(file) ?? [];
      if (!isId(execId) || pid === undefined || startTime === undefined) return [];
      return [{ file, execId, pid: Number(pid), startTime }];
    });
  } catch {
    // There are none.
    return [];
  }
}
