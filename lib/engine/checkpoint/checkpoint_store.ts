import { removeIfExists } from "../../base/atomic_file.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { errnoOf, systemError } from "../../base/errno.ts";
import { GantryError, isCode, messageOf } from "../../base/errors.ts";
import { acquireLock, isLocked, type Lock } from "../../base/lock.ts";
import { assertId, assertNamespace, newId, shortId } from "../../wire/identifier.ts";
import { assertCheckpointName, assertCheckpointRef, type CheckpointRef } from "./checkpoint_name.ts";
import { type CheckpointPaths, checkpointPaths, checkpointsDirectory, pathsIn } from "./checkpoint_paths.ts";
import { exists, makeDirectory, namesIn, parentOf, removeIfEmpty, removeTree, syncDirectory } from "./directories.ts";
import { type CheckpointRecord, encodeRecord } from "./checkpoint_record.ts";
import { readCriuStats } from "./criu_stats.ts";
import { finish, readRecord, salvage } from "./stored_record.ts";

/** What the store cannot find out by itself about a checkpoint that has been made. */
export type CheckpointFacts = Pick<
  CheckpointRecord,
  | "containerName"
  | "parent"
  | "kernel"
  | "criuVersion"
  | "runtime"
  | "durationMs"
  | "pausedMs"
  | "leftRunning"
  | "options"
  | "rootfs"
  | "files"
  | "labels"
  | "spec"
>;

/** A checkpoint that is being made. Disposing lets go of it: what is there stays, as an unfinished checkpoint. */
export interface NewCheckpoint extends AsyncDisposable {
  /** Which one. */
  readonly ref: CheckpointRef;
  /** Where it is made; `images` and `work` are there, empty. */
  readonly paths: CheckpointPaths;
  /** Notes what is known before the dump: if this process dies over it, a dump that works still makes a checkpoint. */
  note(facts: CheckpointFacts): Promise<void>;
  /** Writes its record, which makes it complete, with the size and CRIU's statistics as found on disk. */
  complete(facts: CheckpointFacts): Promise<CheckpointRecord>;
  /** Removes it with all that CRIU wrote. */
  discard(): Promise<void>;
}

/** A checkpoint that cannot be used. */
export interface BrokenCheckpoint {
  /** Which one. */
  readonly ref: CheckpointRef;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** What {@link CheckpointStore.list} finds. */
export interface CheckpointList {
  /** Complete ones, oldest first. */
  readonly checkpoints: readonly CheckpointRecord[];
  /** Ones whose record cannot be read. Unfinished ones are in neither list. */
  readonly broken: readonly BrokenCheckpoint[];
}

/** The checkpoints of a gantry instance: a directory each, complete as soon as it has its `checkpoint.json`. */
export interface CheckpointStore {
  /** Where a checkpoint is, whether it exists or not. `invalid_argument` for what can be no name. */
  paths(ref: CheckpointRef): CheckpointPaths;
  /**
   * Begins a checkpoint; an unfinished one of the same name is removed first. `already_exists` when there is a complete one,
   * `failed_precondition` when somebody is making it just now.
   */
  begin(ref: CheckpointRef): Promise<NewCheckpoint>;
  /**
   * Puts a directory that `fill` makes in place of nothing, whole: until it is complete it has another name. For imports.
   * `fill` gets an empty directory and gives the record, whose id, place and size the store then sets.
   */
  adopt(ref: CheckpointRef, fill: (paths: CheckpointPaths) => Promise<CheckpointRecord>): Promise<CheckpointRecord>;
  /** The complete checkpoints of a namespace, or of one container. */
  list(of: { readonly namespace: string; readonly container?: string | undefined }): Promise<CheckpointList>;
  /** `not_found` when there is none, `failed_precondition` when it was never finished: the message says where its log is. */
  inspect(ref: CheckpointRef): Promise<CheckpointRecord>;
  /** Removes a checkpoint, complete or not. `not_found` when there is none, `failed_precondition` while it is made. */
  remove(ref: CheckpointRef): Promise<void>;
}

/** Options of {@link openCheckpoints}. */
export interface CheckpointsOptions {
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** Opens the checkpoints below gantry's `--root`; nothing is made until the first one is. */
export function openCheckpoints(root: string, options: CheckpointsOptions = {}): CheckpointStore {
  return new Store(root, options.clock ?? systemClock);
}

class Store implements CheckpointStore {
  readonly #root: string;
  readonly #clock: Clock;

  constructor(root: string, clock: Clock) {
    this.#root = root;
    this.#clock = clock;
  }

  paths(ref: CheckpointRef): CheckpointPaths {
    assertCheckpointRef(ref);
    return checkpointPaths(this.#root, ref);
  }

  async begin(ref: CheckpointRef): Promise<NewCheckpoint> {
    const paths = this.paths(ref);
    const lock = await this.#lock(ref);
    try {
      await salvage(paths);
      await refuseComplete(ref, paths);
      await removeTree(paths.directory);
      for (const directory of [paths.directory, paths.images, paths.work]) await makeDirectory(directory);
    } catch (error) {
      await lock.release();
      throw error;
    }
    return {
      ref,
      paths,
      note: async (facts) => {
        const record = encodeRecord({ ...facts, ...this.#identity(ref), sizeBytes: 0 });
        await Deno.writeTextFile(paths.pending, record, { mode: 0o600 });
      },
      complete: async (facts) => {
        // A checkpoint is not worse for want of its statistics.
        const measured = await readCriuStats(`${paths.work}/stats-dump`).catch(() => undefined);
        const record = await finish({ ...facts, stats: measured?.dump, ...this.#identity(ref) }, paths);
        await removeIfExists(paths.pending);
        await lock.release();
        return record;
      },
      discard: async () => {
        await removeTree(paths.directory);
        await lock.release();
        await removeIfEmpty(parentOf(paths.directory));
      },
      [Symbol.asyncDispose]: () => lock.release(),
    };
  }

  async adopt(
    ref: CheckpointRef,
    fill: (paths: CheckpointPaths) => Promise<CheckpointRecord>,
  ): Promise<CheckpointRecord> {
    try {
      return await this.#adopt(ref, fill);
    } catch (error) {
      await removeIfEmpty(parentOf(this.paths(ref).directory));
      throw error;
    }
  }

  async #adopt(
    ref: CheckpointRef,
    fill: (paths: CheckpointPaths) => Promise<CheckpointRecord>,
  ): Promise<CheckpointRecord> {
    const paths = this.paths(ref);
    await using _lock = await this.#lock(ref);
    await refuseComplete(ref, paths);
    // One name, always the same: what a killed import left is found and removed by the next.
    const aside = pathsIn(asideOf(paths));
    await removeTree(aside.directory);
    await makeDirectory(aside.directory);
    try {
      const { id, createdAt, ...rest } = await fill(aside);
      const record = await finish({ ...rest, ...this.#identity(ref), id, createdAt }, aside);
      await removeTree(paths.directory);
      await Deno.rename(aside.directory, paths.directory);
      await syncDirectory(parentOf(paths.directory));
      return record;
    } catch (error) {
      await removeTree(aside.directory).catch(() => {});
      throw errnoOf(error) === undefined ? error : systemError(error, `write ${paths.directory}`);
    }
  }

  async list(of: { readonly namespace: string; readonly container?: string | undefined }): Promise<CheckpointList> {
    assertNamespace(of.namespace);
    if (of.container !== undefined) assertId(of.container);
    const base = `${checkpointsDirectory(this.#root)}/${of.namespace}`;
    const containers = of.container === undefined ? await namesIn(base) : [of.container];
    const checkpoints: CheckpointRecord[] = [];
    const broken: BrokenCheckpoint[] = [];
    for (const container of containers) {
      for (const name of await namesIn(`${base}/${container}`)) {
        const ref = { namespace: of.namespace, container, name };
        try {
          const record = await this.#read(ref);
          if (record !== undefined) checkpoints.push(record);
        } catch (error) {
          // A foreign directory is none of ours.
          if (!isCode(error, "invalid_argument")) broken.push({ ref, reason: messageOf(error) });
        }
      }
    }
    checkpoints.sort((one, other) => one.createdAt - other.createdAt || (one.name < other.name ? -1 : 1));
    return { checkpoints, broken };
  }

  async inspect(ref: CheckpointRef): Promise<CheckpointRecord> {
    const paths = this.paths(ref);
    const record = await this.#read(ref);
    if (record !== undefined) return record;
    if (!await exists(paths.directory)) throw notFound(ref);
    const making = await isLocked(lockOf(paths));
    throw new GantryError(
      "failed_precondition",
      `checkpoint ${ref.name} of ${ref.container} ${making ? "is being made" : "was never finished"}`,
      { hint: making ? "wait for it" : `CRIU's log is in ${paths.work}; make it again, or remove it` },
    );
  }

  async remove(ref: CheckpointRef): Promise<void> {
    const paths = this.paths(ref);
    if (!await exists(paths.directory) && !await exists(asideOf(paths))) throw notFound(ref);
    {
      await using _lock = await this.#lock(ref);
      await removeTree(asideOf(paths));
      // First: a removal that is cut short must not leave what looks complete.
      await removeIfExists(paths.pending);
      await removeIfExists(paths.record);
      await removeTree(paths.directory);
    }
    await removeIfEmpty(parentOf(paths.directory));
  }

  async #read(ref: CheckpointRef): Promise<CheckpointRecord | undefined> {
    const paths = this.paths(ref);
    const record = await readRecord(paths);
    if (record !== undefined || !await exists(paths.pending) || await isLocked(lockOf(paths))) return record;
    await using _lock = await this.#lock(ref);
    return await salvage(paths);
  }

  #identity(ref: CheckpointRef): Pick<CheckpointRecord, "id" | "namespace" | "container" | "name" | "createdAt"> {
    assertCheckpointName(ref.name);
    return { id: newId(), ...ref, createdAt: this.#clock.now() };
  }

  async #lock(ref: CheckpointRef): Promise<Lock> {
    const path = lockOf(this.paths(ref));
    for (let attempt = 1;; attempt++) {
      await makeDirectory(parentOf(path));
      try {
        return await acquireLock(path, { content: `process ${Deno.pid}`, needsContent: false, clock: this.#clock });
      } catch (error) {
        // The container's last other checkpoint was removed this moment, and the directory with it.
        if (isCode(error, "not_found") && attempt < lockAttempts) continue;
        if (!isCode(error, "failed_precondition")) throw error;
        throw new GantryError("failed_precondition", `checkpoint ${ref.name} of ${ref.container} is in the making`, {
          hint: "wait for it, or choose another name",
          cause: error,
        });
      }
    }
  }
}

const lockAttempts = 10;

// No checkpoint's name begins with a dot.
function lockOf(paths: CheckpointPaths): string {
  return `${parentOf(paths.directory)}/.${paths.directory.slice(paths.directory.lastIndexOf("/") + 1)}.lock`;
}

function asideOf(paths: CheckpointPaths): string {
  return `${parentOf(paths.directory)}/.${paths.directory.slice(paths.directory.lastIndexOf("/") + 1)}.import`;
}

async function refuseComplete(ref: CheckpointRef, paths: CheckpointPaths): Promise<void> {
  if (!await exists(paths.record)) return;
  throw new GantryError("already_exists", `container ${ref.container} has a checkpoint ${ref.name}`, {
    hint: "choose another name, or remove it first",
  });
}

function notFound(ref: CheckpointRef): GantryError {
  return new GantryError("not_found", `container ${ref.container} has no checkpoint ${ref.name}`, {
    hint: `see \`gantry checkpoints ls ${shortId(ref.container)}\``,
  });
}
