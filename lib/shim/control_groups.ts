import { readTextIfExists } from "../base/atomic_file.ts";
import { type Clock, deadline } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { recordField, stringField } from "../base/json.ts";
import { readMounts } from "../base/mounts.ts";
import { readIdentity, signalProcess } from "../base/proc.ts";
import { type Bundle, jsonRecord } from "./bundle.ts";

/** Options of {@link removeControlGroups}. */
export interface RemovalOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** How long killed processes may take to leave a control group, milliseconds; default 5000. */
  readonly emptyMs?: number | undefined;
}

const pollMs = 10;

/**
 * The container's directories in every hierarchy, v1 and v2, that are there: where the spec has them made. None for a path
 * in systemd's notation, and for one that is not the container's alone (it does not carry its id).
 */
export async function controlGroupsOf(bundle: Bundle): Promise<readonly string[]> {
  const config = jsonRecord(await readTextIfExists(`${bundle.path}/config.json`));
  const path = stringField(recordField(config, "linux") ?? {}, "cgroupsPath") ?? `/${bundle.id}`;
  return isOf(path, bundle.id) ? await controlGroupsAt(path) : [];
}

/** Whether a control group is the container's alone: its name carries the id. Never of one in systemd's notation. */
export function isOf(path: string, id: string): boolean {
  return path.startsWith("/") && !path.includes("/../") && path.split("/").at(-1)?.includes(id) === true;
}

/** The directories of a path in every hierarchy, v1 and v2, that are there. */
export async function controlGroupsAt(path: string): Promise<readonly string[]> {
  const hierarchies = new Map<string, string>();
  for (const { type, device, mountPoint } of await readMounts()) {
    // Each once, where it was mounted first: CRIU mounts all of them again for the time of a checkpoint.
    if (/^cgroup2?$/.test(type) && !hierarchies.has(device)) hierarchies.set(device, mountPoint);
  }
  const groups = [...hierarchies.values()].map((mountPoint) => `${mountPoint}${path}`);
  const present = await Promise.all(groups.map((group) => Deno.lstat(group).then(() => true, () => false)));
  return groups.filter((_, index) => present[index]);
}

/** Pids of the processes in control groups and below. */
export function processesIn(groups: readonly string[]): readonly number[] {
  const found = groups.flatMap((group) => [
    ...pidsOf(group),
    ...processesIn(directoriesIn(group).map((name) => `${group}/${name}`)),
  ]);
  return [...new Set(found)];
}

/** Kills what is left in control groups and removes them. `deadline_exceeded` when processes do not go. */
export async function removeControlGroups(groups: readonly string[], options: RemovalOptions): Promise<void> {
  await Promise.all(groups.map((group) => emptyAndRemove(group, options)));
}

/** True when neither a control group nor one below it has a process, of whatever pid namespace. */
export function isEmptyGroup(group: string): boolean {
  try {
    if (Deno.readTextFileSync(`${group}/cgroup.procs`).trim() !== "") return false;
  } catch (error) {
    // A threaded one of v2 cannot be read.
    return error instanceof Deno.errors.NotFound;
  }
  return directoriesIn(group).every((name) => isEmptyGroup(`${group}/${name}`));
}

/** Removes a control group that has no processes, with those below it; one that has some is an error. */
export function removeEmptyGroup(group: string): void {
  for (const name of directoriesIn(group)) removeEmptyGroup(`${group}/${name}`);
  try {
    Deno.removeSync(group);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove the control group ${group}`);
  }
}

async function emptyAndRemove(group: string, { clock, signal, emptyMs = 5000 }: RemovalOptions): Promise<void> {
  using limit = deadline(emptyMs, signal);
  while (!await tryRemove(group)) {
    try {
      await clock.sleep(pollMs, { signal: limit.signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new GantryError(
        "deadline_exceeded",
        `control group ${group} still has processes ${emptyMs} ms after KILL`,
        {
          hint: "they may be stuck in the kernel (state D): see `ps -o stat,wchan,cmd`",
        },
      );
    }
  }
}

/** True when the group is gone, with those below it. */
async function tryRemove(group: string): Promise<boolean> {
  for (const below of directoriesIn(group)) await tryRemove(`${group}/${below}`);
  for (const pid of pidsOf(group)) {
    const identity = await readIdentity(pid);
    if (identity !== undefined) await signalProcess(identity, "KILL");
  }
  // A frozen process dies only when it is thawed; the file is v1's, and on v2 a killed process leaves the freezer itself.
  await Deno.writeTextFile(`${group}/freezer.state`, "THAWED", { create: false }).catch(() => {});
  // rmdir(2): the files of a control group cannot be removed, and one with processes refuses.
  return await Deno.remove(group).then(() => true, (error) => error instanceof Deno.errors.NotFound);
}

/** Names of the control groups below one. */
export function directoriesIn(group: string): readonly string[] {
  try {
    return [...Deno.readDirSync(group)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  } catch {
    // Gone meanwhile.
    return [];
  }
}

function pidsOf(group: string): readonly number[] {
  try {
    const pids = Deno.readTextFileSync(`${group}/cgroup.procs`).split("\n").map(Number);
    // 0 is a process of another pid namespace.
    return pids.filter((pid) => pid > 1 && pid !== Deno.pid);
  } catch {
    return [];
  }
}
