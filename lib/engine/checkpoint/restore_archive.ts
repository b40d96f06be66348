import { type Clock, systemClock } from "../../base/clock.ts";
import { newId } from "../../wire/identifier.ts";
import type { Engine } from "../engine.ts";
import { nameOfTime } from "./checkpoint_name.ts";
import { openCheckpoints } from "./checkpoint_store.ts";
import { exists, removeTree } from "./directories.ts";
import { importCheckpointFile } from "./import_checkpoint.ts";
import { restoreAsNew, type RestoreAsNewOptions, type Restored } from "./restore_checkpoint.ts";

/** Options of {@link restoreArchive}. */
export interface RestoreArchiveOptions extends Omit<RestoreAsNewOptions, "id"> {
  /** Keeps the checkpoint under this name, as one of the new container; default it is removed again. */
  readonly keepAs?: string | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** A container out of an archive. */
export interface RestoredArchive extends Restored {
  /** Parts of the archive gantry has no use for, e.g. podman's volumes. */
  readonly ignored: readonly string[];
}

/**
 * Makes a new container that goes on from a checkpoint in a file. The whole file is checked first; one that is cut or could
 * do harm is refused. When CRIU refuses, only its log stays.
 */
export async function restoreArchive(
  engine: Engine,
  file: string,
  { keepAs, clock = systemClock, ...options }: RestoreArchiveOptions = {},
): Promise<RestoredArchive> {
  const { signal } = options;
  const store = openCheckpoints(engine.instance.root, { clock });
  const id = newId();
  const ref = { namespace: engine.namespace, container: id, name: keepAs ?? nameOfTime(clock.now()) };
  const { record, ignored } = await importCheckpointFile(file, { store, ref }, { signal });
  const paths = store.paths(ref);
  try {
    const restored = await restoreAsNew(engine, { record, paths }, { ...options, id });
    if (keepAs === undefined) await store.remove(ref);
    return { ...restored, ignored };
  } catch (error) {
    if (!await exists(paths.restores)) await store.remove(ref).catch(() => {});
    for (const path of [paths.record, paths.images, paths.rootfsDiff, paths.work]) {
      await removeTree(path).catch(() => {});
    }
    throw error;
  }
}
