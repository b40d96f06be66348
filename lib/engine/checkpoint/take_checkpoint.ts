import { type Clock, systemClock } from "../../base/clock.ts";
import { GantryError, isCode, messageOf } from "../../base/errors.ts";
import type { CheckpointTaskRequest } from "../../wire/task.ts";
import type { Engine } from "../engine.ts";
import { nameOfTime } from "./checkpoint_name.ts";
import type { CriuOptions } from "./checkpoint_options.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import { type CheckpointFacts, type NewCheckpoint, openCheckpoints } from "./checkpoint_store.ts";
import { type CheckpointSubject, filesOf, findSubject, isAlive, shimPath } from "./checkpoint_subject.ts";
import { writeCriuConfig } from "./criu_config.ts";
import { criuError, explainCriuFailure } from "./criu_failure.ts";
import { findCriu, kernelRelease } from "./criu_program.ts";
import { exists, removeTree } from "./directories.ts";
import type { StoredCheckpoint } from "./export_checkpoint.ts";
import { restoredFrom } from "./lineage.ts";
import { saveRootfsDiff } from "./rootfs_diff.ts";
import { Standstill } from "./standstill.ts";
import { isDumped, untilUnwatchedEnd } from "./unwatched_dump.ts";

/** The verbs that a checkpoint takes. */
export type CheckpointVerbs = Pick<
  Engine,
  "instance" | "namespace" | "record" | "running" | "pause" | "resume" | "checkpoint"
>;

/** Options of {@link takeCheckpoint}. */
export interface TakeCheckpointOptions {
  /** Unique for the container; default the time, e.g. `20261122T221049.123Z`. */
  readonly name?: string | undefined;
  /** The container goes on; default false: it ends, as by KILL. */
  readonly leaveRunning?: boolean | undefined;
  /** What CRIU may take along; default nothing that ties the container to the outside. */
  readonly criu?: CriuOptions | undefined;
  /** Saves what was changed in a throw-away overlay too; default true. */
  readonly rootfs?: boolean | undefined;
  /** Before CRIU is at work: ends it by rejecting, and the container goes on. From then on it is not heard. */
  readonly signal?: AbortSignal | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** How long the container may take to be gone after CRIU has killed it. */
const endMs = 10_000;
const pollMs = 5;

/**
 * Has CRIU write a running or paused container to a directory of the instance. One RPC for a container on a plain directory;
 * one on an overlay is paused around it, so that memory and files are of the same moment, and the files are saved first: the
 * container has not ended before everything is there.
 *
 * When CRIU refuses, the error (`failed_precondition`) has its own words, its log stays in the checkpoint's work directory,
 * and the container goes on, or stays paused if it was. `already_exists` for a name that is taken.
 */
export async function takeCheckpoint(
  engine: CheckpointVerbs,
  id: string,
  options: TakeCheckpointOptions = {},
): Promise<StoredCheckpoint> {
  const { clock = systemClock, signal, leaveRunning = false, criu = {}, rootfs = true } = options;
  const subject = await findSubject(engine, id, { signal });
  const ref = { namespace: engine.namespace, container: id, name: options.name ?? nameOfTime(clock.now()) };
  await using made = await openCheckpoints(engine.instance.root, { clock }).begin(ref);
  const began = clock.monotonic();
  // Asked beside the dump: it takes as long as a small one.
  const version = criuVersionOf(subject, signal);
  const standstill = new Standstill(engine, subject, clock);
  const overlay = rootfs ? subject.overlay : undefined;
  let dumping = false;
  let killed = false;
  let pausedMs: number | undefined;
  try {
    const facts = await factsOf(subject, { leaveRunning, criu, saved: overlay !== undefined });
    await writeCriuConfig(subject.running.spec, subject.paths, criu);
    if (overlay !== undefined) {
      await standstill.begin({ signal });
      await saveRootfsDiff(overlay, made.paths, { signal });
    }
    signal?.throwIfAborted();
    await made.note(facts);
    dumping = true;
    await dump(engine, id, { paths: made.paths, leaveRunning, criu, clock });
    killed = !leaveRunning;
    pausedMs = await standstill.end({ killed });
    if (killed) await untilEnded(subject, clock);
    const durationMs = clock.monotonic() - began;
    const record = await made.complete({ ...facts, criuVersion: await version, durationMs, pausedMs });
    return { record, paths: made.paths };
  } catch (error) {
    if (!killed) await standstill.end({ killed });
    throw killed ? error : await failureOf(error, { made, subject, dumping });
  } finally {
    await version;
  }
}

/** Not cut off by any signal: CRIU would go on. When the answer is lost, what it leaves tells how it ended. */
async function dump(
  engine: CheckpointVerbs,
  id: string,
  { paths, clock, ...what }: {
    readonly paths: CheckpointPaths;
    readonly clock: Clock;
    readonly leaveRunning: boolean;
    readonly criu: CriuOptions;
  },
): Promise<void> {
  try {
    await engine.checkpoint(id, requestOf(paths, what));
  } catch (error) {
    await untilUnwatchedEnd(paths, clock);
    if (!await isDumped(paths)) throw error;
  }
}

function requestOf(
  { images, work }: CheckpointPaths,
  { leaveRunning, criu }: { readonly leaveRunning: boolean; readonly criu: CriuOptions },
): CheckpointTaskRequest {
  return {
    images,
    work,
    exit: !leaveRunning,
    openTcp: criu.tcpEstablished ?? false,
    externalUnixSockets: criu.extUnixSk ?? false,
    shellJob: criu.shellJob ?? false,
    fileLocks: criu.fileLocks ?? false,
    emptyNamespaces: criu.emptyNet === true ? ["network"] : [],
  };
}

/** What is known before the dump. */
async function factsOf(
  subject: CheckpointSubject,
  { leaveRunning, criu, saved }: {
    readonly leaveRunning: boolean;
    readonly criu: CriuOptions;
    readonly saved: boolean;
  },
): Promise<CheckpointFacts> {
  const [kernel, parent, files] = await Promise.all([
    kernelRelease(),
    restoredFrom(subject.paths, subject.running),
    filesOf(subject),
  ]);
  return {
    containerName: subject.name,
    parent,
    kernel,
    runtime: subject.runtime,
    leftRunning: leaveRunning,
    options: criu,
    rootfs: { ...subject.rootfs, saved },
    files,
    labels: subject.labels,
    spec: subject.running.spec,
  };
}

async function criuVersionOf(
  { running }: CheckpointSubject,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  // Without a CRIU the dump fails, and says so.
  return await findCriu({ searchPath: shimPath(running), signal }).then(({ version }) => version, () => undefined);
}

/** Failures that are not CRIU's: nobody answered, or there is nothing to checkpoint. */
const foreignCodes = ["unavailable", "cancelled", "deadline_exceeded", "not_found", "permission_denied"] as const;

/** The error as the user is to see it. What could be of use in finding its cause stays on disk, the images do not. */
async function failureOf(
  error: unknown,
  { made, subject, dumping }: {
    readonly made: NewCheckpoint;
    readonly subject: CheckpointSubject;
    readonly dumping: boolean;
  },
): Promise<unknown> {
  const { paths } = made;
  const isForeign = !(error instanceof GantryError) || foreignCodes.some((code) => isCode(error, code));
  if (!dumping || (isForeign && !await exists(`${paths.work}/dump.log`))) {
    await made.discard().catch(() => {});
    return error;
  }
  for (const path of [paths.pending, paths.images, paths.rootfsDiff, paths.deletedFiles]) {
    await removeTree(path).catch(() => {});
  }
  const failure = await explainCriuFailure({ workDir: paths.work, message: messageOf(error) });
  return criuError(failure, `checkpoint ${subject.name}`, error);
}

/** The runtime answers when CRIU has killed the processes; the kernel may still be at it. */
async function untilEnded({ running }: CheckpointSubject, clock: Clock): Promise<void> {
  const end = clock.monotonic() + endMs;
  while (isAlive(running) && clock.monotonic() < end) await clock.sleep(pollMs);
}
