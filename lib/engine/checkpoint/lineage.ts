import { readJsonIfExists, writeFileAtomic } from "../../base/atomic_file.ts";
import { isRecord, numberField, stringField } from "../../base/json.ts";
import { readStat } from "../../base/proc.ts";
import type { ContainerPaths } from "../container_paths.ts";
import type { RunningContainer } from "../running_container.ts";

/**
 * Notes which checkpoint the process that runs now was restored from. The container's label says the same, but stays when
 * the container is started anew; this names the process.
 */
export async function noteRestored(paths: ContainerPaths, checkpoint: string, pid: number): Promise<void> {
  const startTime = String(readStat(pid)?.startTime ?? 0n);
  await writeFileAtomic(fileIn(paths), JSON.stringify({ checkpoint, pid, startTime }));
}

/** Id of the checkpoint that a running container was restored from; undefined for one that was started. */
export async function restoredFrom(
  paths: ContainerPaths,
  { pid, startTime }: Pick<RunningContainer, "pid" | "startTime">,
): Promise<string | undefined> {
  const note = await readJsonIfExists(fileIn(paths)).catch(() => undefined);
  if (!isRecord(note)) return undefined;
  const isSame = numberField(note, "pid") === pid && stringField(note, "startTime") === String(startTime);
  return isSame ? stringField(note, "checkpoint") : undefined;
}

function fileIn(paths: ContainerPaths): string {
  return `${paths.data}/restored.json`;
}
