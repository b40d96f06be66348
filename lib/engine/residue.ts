import { type Clock, deadline } from "../base/clock.ts";
import { readMounts } from "../base/mounts.ts";
import { readIdentity, signalProcess } from "../base/proc.ts";
import { endLeakedShims } from "../shim/leaked_shim.ts";
import { assertId } from "../wire/identifier.ts";

/** Which container's residue, and how long its removal may take. */
export interface ResidueOptions {
  readonly namespace: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** How long killed processes may take to leave a control group. */
const emptyMs = 2000;
const pollMs = 20;

/**
 * Removes what no runtime knows of any more: a `Tasks/Create` that is cut off because its caller died makes the shim kill
 * `runc create` half-way, and containerd then forgets the task while its shim, `runc init`, its control groups or runc's
 * state stay (seen with 1.6, 1.7 and 2.1). Only to be called when the runtime has no task and no record of that id.
 */
export async function removeResidue(id: string, options: ResidueOptions): Promise<void> {
  assertId(id);
  await endLeakedShims(id, options);
  const groups = await controlGroupsOf(id);
  await Promise.all(groups.map((group) => emptyAndRemove(group, options)));
  const state = `/run/containerd/runc/${options.namespace}/${id}`;
  await Deno.remove(state, { recursive: true }).catch(ignoreMissing);
}

/** The container's directory in each hierarchy, v1 and v2. */
async function controlGroupsOf(id: string): Promise<readonly string[]> {
  const hierarchies = (await readMounts()).filter(({ type }) => type === "cgroup" || type === "cgroup2");
  const groups = [...new Set(hierarchies.map(({ mountPoint }) => `${mountPoint}/gantry/${id}`))];
  const present = await Promise.all(groups.map((path) => Deno.stat(path).then(() => true, () => false)));
  return groups.filter((_, index) => present[index]);
}

async function emptyAndRemove(group: string, { clock, signal }: ResidueOptions): Promise<void> {
  using limit = deadline(emptyMs, signal);
  for (;;) {
    for (const pid of await processesIn(group)) {
      const identity = await readIdentity(pid);
      if (identity !== undefined) await signalProcess(identity, "KILL");
    }
    // rmdir(2), for a control group's files cannot be removed; it is refused while a process is in it.
    const busy = await Deno.remove(group).then(() => false, stillThere);
    if (!busy) return;
    await clock.sleep(pollMs, { signal: limit.signal });
  }
}

async function processesIn(group: string): Promise<readonly number[]> {
  const text = await Deno.readTextFile(`${group}/cgroup.procs`).catch(() => "");
  return text.split("\n").map(Number).filter((pid) => pid > 1 && pid !== Deno.pid);
}

function stillThere(error: unknown): boolean {
  return !(error instanceof Deno.errors.NotFound);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
