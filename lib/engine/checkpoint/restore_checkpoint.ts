import { readTextIfExists } from "../../base/atomic_file.ts";
import { GantryError, isCode, messageOf } from "../../base/errors.ts";
import { getLogger } from "../../base/log.ts";
import type { Spec } from "../../wire/oci.ts";
import type { RootfsOption } from "../container_options.ts";
import { type ContainerPlan, labelKeys } from "../container_plan.ts";
import type { Engine } from "../engine.ts";
import { makeAndStart, type MakeSteps } from "../make_and_start.ts";
import { startStored } from "../start_stored.ts";
import { detachedStdio, ensureLogs } from "../detached_stdio.ts";
import { applyRootfsDiff } from "./apply_rootfs_diff.ts";
import type { CriuOptions } from "./checkpoint_options.ts";
import { configuredSpec, writeCriuConfig } from "./criu_config.ts";
import { criuError, explainCriuFailure } from "./criu_failure.ts";
import { readCriuStats, type RestoreStats } from "./criu_stats.ts";
import { makeDirectory, removeIfEmpty, removeTree } from "./directories.ts";
import type { StoredCheckpoint } from "./export_checkpoint.ts";
import { noteRestored } from "./lineage.ts";
import { type OverlayRewind, prepareRewind } from "./overlay_rewind.ts";
import { withRealSources } from "./real_sources.ts";
import { withRestoredNetwork } from "./restored_network.ts";
import { planRestored } from "./restored_plan.ts";

const log = getLogger("checkpoint");

/** Options of {@link restoreInPlace}. */
export interface RestoreOptions {
  /** Beside what the checkpoint was made with. `tcpClose` is instead of `tcpEstablished`. */
  readonly criu?: CriuOptions | undefined;
  /** Called when everything is there and nothing runs yet; when it fails, what was done is undone. */
  readonly onCreated?: ((plan: ContainerPlan) => Promise<void>) | undefined;
  /** Before it runs: cancels and undoes. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link restoreAsNew}. */
export interface RestoreAsNewOptions extends RestoreOptions {
  /** Default a new id. */
  readonly id?: string | undefined;
  /** Default the name that the container had. */
  readonly name?: string | undefined;
  /** Root filesystem; default the directory it had, on this host. */
  readonly rootfs?: RootfsOption | undefined;
}

/** A container that goes on. */
export interface Restored {
  /** What it is. */
  readonly plan: ContainerPlan;
  /** Pid of its first process on the host. */
  readonly pid: number;
  /** CRIU's own measurements. */
  readonly stats?: RestoreStats | undefined;
}

/**
 * Lets the container that a checkpoint was taken of go on from there. It must not run; its overlay goes back to what was
 * saved with the checkpoint. When CRIU refuses, the error (`failed_precondition`) has its own words and names its log; the
 * container is then stopped and its files are as they were.
 */
export async function restoreInPlace(
  engine: Engine,
  checkpoint: StoredCheckpoint,
  options: RestoreOptions = {},
): Promise<Restored> {
  const { record } = checkpoint;
  const { signal } = options;
  const stored = await engine.load(record.container, { signal });
  await needRootfs(record.rootfs.path);
  const criu = optionsOf(checkpoint, options);
  const spec = await specFor(stored, criu);
  const plan = { ...stored, spec };
  let rewind: OverlayRewind | undefined;
  const prepare = async (): Promise<void> => {
    if (record.rootfs.saved && stored.rootfs.length > 0) {
      rewind = await prepareRewind(stored.paths, checkpoint.paths, { lower: record.rootfs.path, signal });
    }
    await writeCriuConfig(spec, plan.paths, criu);
    // The root filesystem of a task that has ended is still mounted.
    await engine.free(plan, { signal });
    if (spec !== stored.spec) await engine.revise(plan.id, { spec }, { signal });
    await rewind?.apply();
    // A container that was attended to has no log files yet; one that was not goes on writing to its own.
    if (plan.log === "file") await ensureLogs(plan);
  };
  try {
    const begin = (steps: MakeSteps) => startStored(engine, plan, steps);
    const restored = await goOn(plan, { checkpoint, prepare, begin, ...options });
    const labels = { [labelKeys.checkpoint]: record.id };
    await settled(rewind?.settle(), engine.revise(plan.id, { labels }));
    return restored;
  } catch (error) {
    await settled(rewind?.undo(), spec === stored.spec ? undefined : engine.revise(plan.id, { spec: stored.spec }));
    throw error;
  }
}

/**
 * Makes a new container that goes on from a checkpoint; as many of one checkpoint as are wanted. Its root filesystem is the
 * directory that the checkpoint names, or a throw-away overlay over it with the saved changes. Whatever fails is undone: only
 * CRIU's log stays, in the checkpoint's directory.
 */
export async function restoreAsNew(
  engine: Engine,
  checkpoint: StoredCheckpoint,
  options: RestoreAsNewOptions = {},
): Promise<Restored> {
  const { record } = checkpoint;
  const { instance, namespace } = engine;
  const planned = planRestored(record, { ...options, instance, namespace });
  const { path: lower, overlay } = options.rootfs ?? record.rootfs;
  if (record.rootfs.saved && !overlay) {
    throw new GantryError("invalid_argument", `the checkpoint has changes of its own to ${lower}`, {
      hint: `they go to a throw-away overlay: use --rootfs ${lower}:O`,
    });
  }
  await needRootfs(lower);
  const criu = optionsOf(checkpoint, options);
  const plan = { ...planned, spec: await specFor(planned, criu) };
  const prepare = async (): Promise<void> => {
    await writeCriuConfig(plan.spec, plan.paths, criu);
    if (!record.rootfs.saved) return;
    const target = { kind: "overlay", upper: plan.paths.overlayUpper, lowers: [lower] } as const;
    await applyRootfsDiff(checkpoint.paths, target, options);
  };
  return await goOn(plan, {
    checkpoint,
    prepare,
    begin: (steps) => makeAndStart(engine, plan, steps),
    ...options,
  });
}

interface GoingOn extends RestoreOptions {
  readonly checkpoint: StoredCheckpoint;
  /** Called when the container's directories are ours. */
  readonly prepare: () => Promise<void>;
  /** Makes the task and lets it run, or undoes what it did. */
  readonly begin: (steps: MakeSteps) => Promise<{ readonly pid: number }>;
}

/** Makes the task of a container out of the images, and lets it run. */
async function goOn(
  plan: ContainerPlan,
  { checkpoint, prepare, begin, onCreated, signal }: GoingOn,
): Promise<Restored> {
  const { images, restores } = checkpoint.paths;
  const work = `${restores}/${plan.id}`;
  await removeTree(work);
  await makeDirectory(work);
  const steps: MakeSteps = {
    signal,
    restore: { images, work },
    async openStdio() {
      await prepare();
      return await detachedStdio(plan, { stdin: await hadStdin(images) });
    },
    created: async () => await onCreated?.(plan),
  };
  const { pid } = await begin(steps).catch(async (error: unknown) => {
    throw await failureOf(error, { work, plan });
  });
  const stats = await readCriuStats(`${work}/stats-restore`).catch(() => undefined);
  await settled(
    removeTree(work).then(() => removeIfEmpty(restores)),
    noteRestored(plan.paths, checkpoint.record.id, pid),
  );
  return { plan, pid, stats: stats?.restore };
}

/** For what is still to be done when there is nothing to be changed any more: a failure is only told. */
async function settled(...works: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) {
    if (outcome.status === "rejected") log.error("a restore was not tidied up", { error: outcome.reason });
  }
}

async function specFor({ spec, paths }: ContainerPlan, criu: CriuOptions): Promise<Spec> {
  const configured = configuredSpec(await withRealSources(spec), paths, criu);
  return criu.emptyNet === true ? configured : withRestoredNetwork(configured);
}

/** What the checkpoint was made with is needed again. */
function optionsOf({ record }: StoredCheckpoint, { criu = {} }: RestoreOptions): CriuOptions {
  const { tcpEstablished, ...options } = { ...record.options, ...criu };
  return criu.tcpClose === true ? options : { ...options, tcpEstablished };
}

async function failureOf(
  error: unknown,
  { work, plan }: { readonly work: string; readonly plan: ContainerPlan },
): Promise<unknown> {
  const hasLog = await Deno.lstat(`${work}/restore.log`).then(() => true, () => false);
  if (!hasLog || !(error instanceof GantryError) || isCode(error, "cancelled")) {
    await removeTree(work).catch(() => {});
    return error;
  }
  const failure = await explainCriuFailure({ workDir: work, message: messageOf(error) });
  return criuError(failure, `restore ${plan.name}`, error);
}

/** runc notes what the first three descriptors were; a pipe is replaced by the one that the new task has there. */
async function hadStdin(images: string): Promise<boolean> {
  const text = await readTextIfExists(`${images}/descriptors.json`).catch(() => undefined);
  return /^\s*\[\s*"pipe:/.test(text ?? "");
}

async function needRootfs(path: string): Promise<void> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory) return;
  throw new GantryError("not_found", `the root filesystem ${path} is not on this host`, {
    hint: "say where it is: --rootfs DIR, or DIR:O to leave it as it is",
  });
}
