import type { Clock } from "../base/clock.ts";
import { unmountBelow } from "../base/mounts_below.ts";
import { controlGroupsAt, removeControlGroups } from "../shim/control_groups.ts";
import { endLeakedShims } from "../shim/leaked_shim.ts";
import { assertId } from "../wire/identifier.ts";
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
  // Where gantry has them made, and where runc says they are.
  const groups = new Set([...await controlGroupsAt(`/gantry/${id}`), ...state?.cgroups ?? []]);
  await removeControlGroups([...groups], options);
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
  await unmountBelow(bundle);
  await Deno.remove(bundle, { recursive: true }).catch(ignoreMissing);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
