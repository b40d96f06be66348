import { isRecord, parseJson, recordField, stringField, stringsField } from "../base/json.ts";

/** What runc's state of a container says about where its things are. */
export interface RuncState {
  /** Directory of its bundle. */
  readonly bundle: string | undefined;
  /** Its control groups, absolute paths, v1 and v2. */
  readonly cgroups: readonly string[];
}

/** Directory in which containerd's runc shims have runc keep its state. */
export function runcStateDirectory(id: string, namespace: string): string {
  return `/run/containerd/runc/${namespace}/${id}`;
}

/** Reads runc's state of a container; undefined when it has none. `id` and `namespace` must have been checked. */
export function readRuncState(id: string, namespace: string): RuncState | undefined {
  const path = `${runcStateDirectory(id, namespace)}/state.json`;
  let state: unknown;
  try {
    state = parseJson(Deno.readTextFileSync(path), path);
  } catch {
    // Never there, removed at this moment, or half written by a runc that was killed.
    return undefined;
  }
  if (!isRecord(state)) return undefined;
  const labels = stringsField(recordField(state, "config") ?? {}, "labels") ?? [];
  const groups = recordField(state, "cgroup_paths") ?? {};
  return {
    bundle: labels.find((label) => label.startsWith("bundle="))?.slice("bundle=".length),
    // Only its own: a spec may also name a group that it shares with others.
    cgroups: [...new Set(Object.keys(groups).map((key) => stringField(groups, key) ?? ""))].filter((group) =>
      group.startsWith("/") && (group.split("/").at(-1) ?? "").includes(id)
    ),
  };
}
