import { type Clock, deadline } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";
import { readMounts } from "../base/mounts.ts";
import { readIdentity, signalProcess } from "../base/proc.ts";
import { endLeakedShims } from "../shim/leaked_shim.ts";
import { assertId } from "../wire/identifier.ts";
import { unmountBelow } from "./container_files.ts";
import { readRuncState, type RuncScope, type RuncState, runcStateDirectory } from "./runc_state.ts";

/** Which container's residue, and how long its removal may take. */
export interface ResidueOptions extends RuncScope {
  /** containerd's socket. */
  readonly address: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** runc's state as it was before the task was ended; default what it is now. */
  readonly state?: RuncState | undefined;
}

/** How long killed processes may take to leave a control group. */
const emptyMs = 2000;
/** How long containerd may take to clean up behind a shim that died; it takes 150 ms, and gives up after 5 s. */
const cleanupMs = 6000;
const pollMs = 20;

/**
 * Removes what no runtime knows of any more: a `Tasks/Create` that is cut off because its caller died makes the shim kill
 * `runc create` half-way, and containerd then forgets the task while its shim, `runc init`, its control groups or runc's
 * state stay (seen with 1.6, 1.7 and 2.1); and a shim that hangs while containerd starts stays for ever. Only to be called
 * when the runtime has no task and no record of that id. True when there was a shim, or a state of runc's.
 */
export async function removeResidue(id: string, options: ResidueOptions): Promise<boolean> {
  assertId(id);
  const state = options.state ?? readRuncState(id, options);
  const shims = await endLeakedShims(id, options);
  const bundles = [...shims, state?.bundle].filter((bundle) => bundle !== undefined);
  for (const bundle of new Set(bundles)) await removeBundle(bundle, id, options);
  const groups = await controlGroupsOf(id, state?.cgroups ?? []);
  await Promise.all(groups.map((group) => emptyAndRemove(group, options)));
  await Deno.remove(runcStateDirectory(id, options), { recursive: true }).catch(ignoreMissing);
  return shims.length > 0 || state !== undefined;
}

/**
 * Waits for containerd to clean up behind a shim that was killed: it has `shim delete` kill the container, and removes the
 * bundle last. Until then its Tasks service already says that there is no such task. False when it has not in time.
 */
export async function bundleRemoved(
  bundle: string,
  { clock, signal }: Pick<ResidueOptions, "clock" | "signal">,
): Promise<boolean> {
  const end = clock.monotonic() + cleanupMs;
  while (await isThere(bundle)) {
    if (clock.monotonic() >= end) return false;
    await clock.sleep(pollMs, { signal });
  }
  return true;
}

async function removeBundle(bundle: string, id: string, options: ResidueOptions): Promise<void> {
  if (!await bundleRemoved(bundle, options)) await removeForgottenBundle(bundle, id, options);
}

/** Removes a bundle that containerd has forgotten, with what is mounted below it. */
export async function removeForgottenBundle(
  bundle: string,
  id: string,
  { namespace }: Pick<ResidueOptions, "namespace">,
): Promise<void> {
  // What a file, a link or a message says is not followed anywhere else.
  if (!bundle.endsWith(`/${namespace}/${id}`)) return;
  unmountBelow(bundle, await readMounts());
  await Deno.remove(bundle, { recursive: true }).catch(ignoreMissing);
}

/** The container's directory in each hierarchy, v1 and v2, where gantry makes them and where runc says they are. */
async function controlGroupsOf(id: string, known: readonly string[]): Promise<readonly string[]> {
  const hierarchies = (await readMounts()).filter(({ type }) => type === "cgroup" || type === "cgroup2");
  const groups = [...new Set([...hierarchies.map(({ mountPoint }) => `${mountPoint}/gantry/${id}`), ...known])];
  const present = await Promise.all(groups.map(isThere));
  return groups.filter((_, index) => present[index]);
}

async function emptyAndRemove(group: string, { clock, signal }: ResidueOptions): Promise<void> {
  using limit = deadline(emptyMs, signal);
  for (;;) {
    if (await tryRemove(group)) return;
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

/** Kills what is in a control group and removes it, those below it first. True when it is gone. */
async function tryRemove(group: string): Promise<boolean> {
  for (const below of await directoriesIn(group)) await tryRemove(`${group}/${below}`);
  for (const pid of await processesIn(group)) {
    const identity = await readIdentity(pid);
    if (identity !== undefined) await signalProcess(identity, "KILL");
  }
  // On cgroup v1 a signal to a frozen process stays pending.
  await Deno.writeTextFile(`${group}/freezer.state`, "THAWED", { create: false }).catch(() => {});
  // rmdir(2), for a control group's files cannot be removed; it is refused while a process is in it.
  return await Deno.remove(group).then(() => true, (error) => error instanceof Deno.errors.NotFound);
}

async function directoriesIn(group: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(group)).catch(() => []);
  return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
}

async function processesIn(group: string): Promise<readonly number[]> {
  const text = await Deno.readTextFile(`${group}/cgroup.procs`).catch(() => "");
  return text.split("\n").map(Number).filter((pid) => pid > 1 && pid !== Deno.pid);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
