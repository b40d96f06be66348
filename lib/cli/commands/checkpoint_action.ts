import { GantryError, messageOf } from "../../base/errors.ts";
import { criuOptionsOf } from "../../engine/checkpoint/checkpoint_options.ts";
import type { CheckpointRecord } from "../../engine/checkpoint/checkpoint_record.ts";
import { openCheckpoints } from "../../engine/checkpoint/checkpoint_store.ts";
import { exportCheckpoint, type StoredCheckpoint } from "../../engine/checkpoint/export_checkpoint.ts";
import { takeCheckpoint } from "../../engine/checkpoint/take_checkpoint.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import type { checkpointFlags } from "./checkpoint.ts";

type CheckpointFlags = ValuesOf<typeof checkpointFlags>;

/** Checkpoints a container; prints the checkpoint's name, or the file it was exported to. */
export async function run({ flags, args }: Invocation<CheckpointFlags>, context: CliContext): Promise<number> {
  const [reference = ""] = args;
  const { signal, clock } = context;
  // Before the container ends for a file that cannot be written.
  if (flags.export !== undefined) await needDirectory(flags.export);
  await using engine = await openEngine(context);
  const id = await engine.resolve(reference, { signal });
  const checkpoint = await takeCheckpoint(engine, id, {
    name: flags.name,
    leaveRunning: flags.leaveRunning,
    criu: criuOptionsOf(flags),
    rootfs: !flags.ignoreRootfs,
    signal,
    clock,
  });
  const { record } = checkpoint;
  const archiveBytes = flags.export === undefined ? undefined : await exportTo(flags.export, checkpoint, signal);
  const isKept = flags.export === undefined || flags.name !== undefined;
  if (!isKept) await openCheckpoints(engine.instance.root, { clock }).remove(record);
  const shown = { ...resultOf(record), file: flags.export, fileBytes: archiveBytes, kept: isKept };
  context.output.one(shown, () => flags.export ?? record.name);
  return 0;
}

function resultOf(record: CheckpointRecord) {
  const { id, name, container, containerName, sizeBytes, durationMs, stats, leftRunning } = record;
  return { id, name, container, containerName, sizeBytes, durationMs, frozenMs: stats?.frozenMs, leftRunning };
}

async function exportTo(path: string, checkpoint: StoredCheckpoint, signal: AbortSignal): Promise<number> {
  try {
    return await exportCheckpoint(checkpoint, path, { signal });
  } catch (error) {
    const { name, container } = checkpoint.record;
    // The container may have ended for it: what there is of it is not to be lost.
    throw new GantryError("failed_precondition", `cannot write the checkpoint to ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: `it is kept as ${name}: gantry restore --checkpoint ${name} ${container.slice(0, 12)}`,
    });
  }
}

async function needDirectory(path: string): Promise<void> {
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "." : path.slice(0, slash) || "/";
  const info = await Deno.stat(directory).catch(() => undefined);
  if (info?.isDirectory && !path.endsWith("/")) return;
  throw new GantryError("invalid_argument", `cannot write ${path}: ${directory} is not a directory`);
}
