import { GantryError } from "../../base/errors.ts";
import type { InstancePaths } from "../container_paths.ts";
import { openNames } from "../names.ts";
import { isName, isWholeId } from "../../wire/identifier.ts";
import type { CheckpointRecord } from "./checkpoint_record.ts";
import { openCheckpoints } from "./checkpoint_store.ts";
import type { StoredCheckpoint } from "./export_checkpoint.ts";

/** Where checkpoints are looked for. */
export interface CheckpointScope {
  readonly instance: InstancePaths;
  /** containerd's namespace. */
  readonly namespace: string;
}

/**
 * The id of the container that `reference` means, among those that have checkpoints: they may be gone since, and nobody
 * who runs containers is asked. The container that has the name now comes first, then a whole id, the one that had the name
 * when it was checkpointed last, and the start of an id. `not_found`, or `invalid_argument` when several match.
 */
export async function findCheckpointed(
  reference: string,
  { instance, namespace }: CheckpointScope,
): Promise<string> {
  const { checkpoints } = await openCheckpoints(instance.root).list({ namespace });
  const ids = [...new Set(checkpoints.map(({ container }) => container))];
  const names = openNames(instance, { namespace, exists: () => Promise.resolve(true) });
  const named = isName(reference) ? await names.lookup(reference) : undefined;
  if (named !== undefined || isWholeId(reference)) return named ?? reference;
  // Containers that are made for one job after the other have the same name: the last one is meant.
  const former = checkpoints.findLast(({ containerName }) => containerName === reference);
  const found = [
    ids.filter((id) => id === reference),
    former === undefined ? [] : [former.container],
    ids.filter((id) => id.startsWith(reference)),
  ].find((some) => some.length > 0) ?? [];
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  if (id === undefined) {
    throw new GantryError("not_found", `no checkpoint of a container ${JSON.stringify(reference)}`, {
      hint: "`gantry checkpoints ls` lists all; --namespace looks elsewhere",
    });
  }
  throw new GantryError("invalid_argument", `${reference} matches ${found.length} containers that have checkpoints`, {
    hint: `use the id: ${found.slice(0, 5).map((some) => some.slice(0, 16)).join(", ")}`,
  });
}

/** A checkpoint of a container: that of the name, else the newest. `not_found` when there is none. */
export async function findCheckpoint(
  container: string,
  { instance, namespace, name }: CheckpointScope & { readonly name?: string | undefined },
): Promise<StoredCheckpoint> {
  const store = openCheckpoints(instance.root);
  const record = name === undefined
    ? newest((await store.list({ namespace, container })).checkpoints)
    : await store.inspect({ namespace, container, name });
  if (record !== undefined) return { record, paths: store.paths(record) };
  throw new GantryError("not_found", `container ${container} has no checkpoint`, {
    hint: "make one while it runs: gantry checkpoint, or give an archive: --import FILE",
  });
}

function newest(records: readonly CheckpointRecord[]): CheckpointRecord | undefined {
  return records.at(-1);
}
