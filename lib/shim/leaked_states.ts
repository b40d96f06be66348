import { readTextIfExists } from "../base/atomic_file.ts";
import { recordField, stringField } from "../base/json.ts";
import { isId } from "../wire/identifier.ts";
import { bundleOf, hasBundle, jsonRecord, listNamespaces } from "./bundle.ts";
import { controlGroupsAt, directoriesIn, isOf, removeControlGroups } from "./control_groups.ts";
import type { Leak, LeakOptions } from "./leak.ts";
import { deleteByRuntime, removeRuntimeState, type RuntimeState } from "./runtime_state.ts";

/** Options of {@link findLeakedStates}. */
export interface StateLeakOptions extends LeakOptions {
  /** Where the OCI runtime keeps its state of the instance's containers, each in a directory of the namespace. */
  readonly runtimeRoot: string;
}

/**
 * What the OCI runtime has of containers that have no bundle, below `root`, any more. Such a container may run on; nobody
 * can reach it, for its shim is found through the bundle.
 */
export async function findLeakedStates(root: string, options: StateLeakOptions): Promise<readonly Leak[]> {
  const leaks: Leak[] = [];
  for (const namespace of await listNamespaces(options.runtimeRoot)) {
    const directory = `${options.runtimeRoot}/${namespace}`;
    // Before the bundles: a bundle is there before the runtime has anything, and goes after it.
    for (const id of directoriesIn(directory).filter(isId)) {
      const bundle = bundleOf(root, { namespace, id });
      const path = `${directory}/${id}`;
      // Deleted meanwhile, or the bundle is there.
      if (await hasBundle(bundle) || !await isThere(path)) continue;
      leaks.push({
        kind: "runtime state",
        what: path,
        why: "its container has no bundle",
        parts: (await controlGroups(path, id)).map((what) => ({ kind: "control group", what })),
        remove: async () => {
          if (!await hasBundle(bundle)) await removeState(directory, id, options);
        },
      });
    }
  }
  return leaks;
}

async function removeState(root: string, id: string, options: StateLeakOptions): Promise<void> {
  const groups = await controlGroups(`${root}/${id}`, id);
  await deleteByRuntime({ binary: await runtimeOfState({ root, id }), root, id }, options);
  await removeControlGroups(groups, options);
  await removeRuntimeState({ root, id });
}

/** Which runtime wrote it is not said anywhere but in the bundle; its file tells. */
async function runtimeOfState({ root, id }: Pick<RuntimeState, "root" | "id">): Promise<string> {
  return await isThere(`${root}/${id}/status`) ? "crun" : "runc";
}

/** The container's own, where runc (state.json) or crun (status) says they are, and where gantry has them made. */
async function controlGroups(state: string, id: string): Promise<readonly string[]> {
  const paths = recordField(jsonRecord(await readTextIfExists(`${state}/state.json`)), "cgroup_paths") ?? {};
  const own = Object.values(paths).filter((path) => typeof path === "string").filter((path) => isOf(path, id));
  const path = stringField(jsonRecord(await readTextIfExists(`${state}/status`)), "cgroup-path") ?? "";
  const found = [
    ...own.filter((group) => group.startsWith("/sys/fs/cgroup/")),
    ...isOf(path, id) ? await controlGroupsAt(path) : [],
    ...await controlGroupsAt(`/gantry/${id}`),
  ];
  const present = await Promise.all(found.map(isThere));
  return [...new Set(found.filter((_, index) => present[index]))];
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
