import { isRecord, numberField, parseJson, recordField, stringField, stringsField } from "../base/json.ts";

/** Which containers, and where the OCI runtime keeps what it knows of them. */
export interface RuncScope {
  readonly namespace: string;
  /** Directory of the runtime's state, without the namespace. */
  readonly runtimeRoot: string;
}

/** What runc's state of a container says of it, and of where its things are. */
export interface RuncState {
  /** Pid of its first process on the host; 0 when it does not say. */
  readonly pid: number;
  /** When that process was made, clock ticks after boot; undefined when it does not say. */
  readonly startTime: bigint | undefined;
  /** Directory of its bundle. */
  readonly bundle: string | undefined;
  /** Its control groups, absolute paths, v1 and v2. */
  readonly cgroups: readonly string[];
}

/** Directory in which runc's shims have runc keep its state of a container. `id` and namespace must have been checked. */
export function runcStateDirectory(id: string, { namespace, runtimeRoot }: RuncScope): string {
  return `${runtimeRoot}/${namespace}/${id}`;
}

/** True for a container that was created and waits for its start: runc's own mark of it. */
export function waitsForStart(id: string, scope: RuncScope): boolean {
  try {
    Deno.lstatSync(`${runcStateDirectory(id, scope)}/exec.fifo`);
    return true;
  } catch {
    return false;
  }
}

/** Reads runc's state of a container; undefined when it has none, as with another runtime. */
export function readRuncState(id: string, scope: RuncScope): RuncState | undefined {
  const path = `${runcStateDirectory(id, scope)}/state.json`;
  let state: unknown;
  try {
    // Synchronous: some 10 KiB that the kernel has in memory, on the way of every exec.
    state = parseJson(Deno.readTextFileSync(path), path);
  } catch {
    // Never there, removed at this moment, or half written by a runc that was killed.
    return undefined;
  }
  if (!isRecord(state)) return undefined;
  const startTime = numberField(state, "init_process_start");
  const labels = stringsField(recordField(state, "config") ?? {}, "labels") ?? [];
  const groups = recordField(state, "cgroup_paths") ?? {};
  return {
    pid: numberField(state, "init_process_pid") ?? 0,
    startTime: startTime === undefined ? undefined : BigInt(startTime),
    bundle: labels.find((label) => label.startsWith("bundle="))?.slice("bundle=".length),
    // Only its own: a spec may also name a group that it shares with others.
    cgroups: [...new Set(Object.keys(groups).map((key) => stringField(groups, key) ?? ""))].filter((group) =>
      group.startsWith("/") && (group.split("/").at(-1) ?? "").includes(id)
    ),
  };
}
