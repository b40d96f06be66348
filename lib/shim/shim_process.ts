import { type Clock, deadline } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";
import { type ProcessIdentity, signalProcess, waitForEnd } from "../base/proc.ts";
import type { Bundle } from "./bundle.ts";
import { findShims, type FoundShim, type ShimCommandLine } from "./shim_command_line.ts";

/** Options of {@link killShim}. */
export interface KillOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** How long a killed process may take to be gone. */
const killMs = 5000;

/** All shims that were started for bundles below `root`. Looks at every process: milliseconds. */
export async function shimsBelow(root: string): Promise<readonly FoundShim[]> {
  return await findShims(({ address }) => address === root);
}

/** The shims that were started for one bundle: one, or none, or a second one after a start that was cut off. */
export async function shimsOf(bundle: Bundle): Promise<readonly FoundShim[]> {
  return await findShims((shim) => isOf(shim, bundle));
}

/** The `start` commands that are at work on a bundle: those go on when whoever ran them is killed. */
export async function startsOf(bundle: Bundle): Promise<readonly FoundShim[]> {
  return await findShims((shim) => isOf(shim, bundle), "start");
}

function isOf(shim: ShimCommandLine, { root, namespace, id }: Bundle): boolean {
  return shim.address === root && shim.namespace === namespace && shim.id === id;
}

/**
 * Asks a shim to end (TERM) and waits; false when it has not in 5 s. One without containers removes its socket and ends at
 * once; the containers of others run on without a shim.
 */
export async function stopShim(identity: ProcessIdentity, { clock, signal }: KillOptions): Promise<boolean> {
  await signalProcess(identity, "TERM");
  using limit = deadline(killMs, signal);
  try {
    await waitForEnd(identity, { clock, signal: limit.signal });
    return true;
  } catch (error) {
    if (signal?.aborted) throw error;
    return false;
  }
}

/** Kills a shim and waits until it is gone; its container runs on. `deadline_exceeded` when it does not go. */
export async function killShim(identity: ProcessIdentity, { clock, signal }: KillOptions): Promise<void> {
  await signalProcess(identity, "KILL");
  using limit = deadline(killMs, signal);
  try {
    await waitForEnd(identity, { clock, signal: limit.signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new GantryError("deadline_exceeded", `shim ${identity.pid} is still there ${killMs} ms after KILL`, {
      hint: "it may be stuck in the kernel (state D): see `ps -o stat,wchan,cmd`",
    });
  }
}
