import { readTextIfExists, removeIfExists, writeFileAtomic } from "../../base/atomic_file.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import { type CheckpointRecord, decodeRecord, encodeRecord } from "./checkpoint_record.ts";
import { readCriuStats } from "./criu_stats.ts";
import { exists, sizeOf } from "./directories.ts";
import { isDumped } from "./unwatched_dump.ts";

/** The record of a complete checkpoint; undefined for any other. */
export async function readRecord(paths: CheckpointPaths): Promise<CheckpointRecord | undefined> {
  const text = await readTextIfExists(paths.record);
  return text === undefined ? undefined : decodeRecord(text, paths.record);
}

/** Completes a checkpoint whose maker died when CRIU was at work, if that came to a good end. The lock must be held. */
export async function salvage(paths: CheckpointPaths): Promise<CheckpointRecord | undefined> {
  const text = await readTextIfExists(paths.pending);
  if (text === undefined || await exists(paths.record) || !await isDumped(paths)) return await readRecord(paths);
  const measured = await readCriuStats(`${paths.work}/stats-dump`).catch(() => undefined);
  const record = await finish({ ...decodeRecord(text, paths.pending), stats: measured?.dump }, paths);
  await removeIfExists(paths.pending);
  return record;
}

/** Writes its record, which makes a checkpoint complete, with its size as found on disk. */
export async function finish(
  record: Omit<CheckpointRecord, "sizeBytes">,
  paths: CheckpointPaths,
): Promise<CheckpointRecord> {
  const sizes = [paths.images, paths.rootfsDiff, paths.deletedFiles].map(sizeOf);
  const sizeBytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  const whole = { ...record, sizeBytes };
  await writeFileAtomic(paths.record, encodeRecord(whole));
  return whole;
}
