import { isWholeId } from "../wire/identifier.ts";
import { bundleOf, hasBundle, listNamespaces } from "./bundle.ts";
import { controlGroupsAt, directoriesIn, isEmptyGroup, removeEmptyGroup } from "./control_groups.ts";
import type { Leak } from "./leak.ts";
import { findShims } from "./shim_command_line.ts";

/** Options of {@link findLeakedGroups}. */
export interface GroupLeakOptions {
  /** Where the OCI runtime keeps its state of the instance's containers. */
  readonly runtimeRoot: string;
}

/** Where containerds have their bundles, and their runtimes' state, in directories of this one. */
const containerdState = "/run/containerd";

/**
 * Empty control groups of containers that nobody knows: no bundle below `root`, no state of a runtime, no bundle or state
 * of a containerd's, and no shim on this machine. Other instances have theirs in the same place: hence so much care.
 */
export async function findLeakedGroups(root: string, { runtimeRoot }: GroupLeakOptions): Promise<readonly Leak[]> {
  const scope = { root, runtimeRoot };
  const groups = (await controlGroupsAt("/gantry")).flatMap((parent) =>
    directoriesIn(parent).filter(isWholeId).map((id) => ({ id, path: `${parent}/${id}` }))
  );
  const empty = groups.filter(({ path }) => isEmptyGroup(path));
  const unknown = await unknownOf(empty.map(({ id }) => id), scope);
  return empty.filter(({ id }) => unknown.has(id)).map(({ id, path }) => ({
    kind: "control group",
    what: path,
    why: "it is empty, and nobody knows its container",
    parts: [],
    // Its container may be started again meanwhile: the shim is there before the group is used.
    remove: async () => {
      if ((await unknownOf([id], scope)).has(id)) removeEmptyGroup(path);
    },
  }));
}

interface Scope {
  readonly root: string;
  readonly runtimeRoot: string;
}

async function unknownOf(ids: readonly string[], scope: Scope): Promise<ReadonlySet<string>> {
  const unknown = new Set(ids);
  for (const { id } of await findShims(({ id }) => unknown.has(id))) unknown.delete(id);
  for (const id of unknown) if (await isKnown(id, scope)) unknown.delete(id);
  return unknown;
}

async function isKnown(id: string, { root, runtimeRoot }: Scope): Promise<boolean> {
  for (const namespace of await listNamespaces(root)) {
    if (await hasBundle(bundleOf(root, { namespace, id }))) return true;
  }
  const kinds = directoriesIn(containerdState).map((kind) => `${containerdState}/${kind}`);
  return [runtimeRoot, ...kinds].some((directory) =>
    directoriesIn(directory).some((namespace) => directoriesIn(`${directory}/${namespace}`).includes(id))
  );
}
