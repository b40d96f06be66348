import { type Clock, deadline } from "../base/clock.ts";
import { type ProcessIdentity, processState, signalProcess, waitForEnd } from "../base/proc.ts";
import { findShims } from "./shim_command_line.ts";

/** Whose shim. */
export interface ShimScope {
  readonly namespace: string;
  /** containerd's socket: another containerd may have a container of the same id. */
  readonly address: string;
}

/** Whose shim, and how to wait. */
export interface EndShimOptions extends ShimScope {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** A shim that lives. */
interface Shim {
  readonly identity: ProcessIdentity;
  /** Its working directory, which is the bundle; undefined when that is gone. */
  readonly bundle: string | undefined;
}

/** How long a shim without a task may take to end on TERM; it takes a few milliseconds. */
const politeMs = 2000;
/** How long a killed process may take to be gone. */
const killMs = 2000;

/**
 * Ends shims of a container that the runtime knows nothing of any more (containerd 1.6 forgets the shim of a create that
 * was cut off). TERM first: the shim then removes its own socket. Resolves to their bundles, one for each that was ended.
 */
export async function endLeakedShims(id: string, options: EndShimOptions): Promise<readonly (string | undefined)[]> {
  const shims = await shimsOf(id, options);
  for (const { identity } of shims) {
    const ends = processState(identity.pid) !== "T" && await endPolitely(identity, options);
    if (!ends) await kill(identity, options);
  }
  return shims.map(({ bundle }) => bundle);
}

/**
 * Kills the shims of a container, for one that hangs: SIGSTOP, a deadlock. containerd notices and cleans up behind it, which
 * kills the container. Resolves to their bundles, one for each that was killed.
 */
export async function killShims(id: string, options: EndShimOptions): Promise<readonly (string | undefined)[]> {
  const shims = await shimsOf(id, options);
  for (const { identity } of shims) await kill(identity, options);
  return shims.map(({ bundle }) => bundle);
}

async function endPolitely(identity: ProcessIdentity, { clock, signal }: EndShimOptions): Promise<boolean> {
  await signalProcess(identity, "TERM");
  return await hasEnded(identity, { clock, signal, ms: politeMs });
}

async function kill(identity: ProcessIdentity, { clock, signal }: EndShimOptions): Promise<void> {
  await signalProcess(identity, "KILL");
  await hasEnded(identity, { clock, signal, ms: killMs });
}

async function hasEnded(
  identity: ProcessIdentity,
  { clock, signal, ms }: { readonly clock: Clock; readonly signal: AbortSignal | undefined; readonly ms: number },
): Promise<boolean> {
  using limit = deadline(ms, signal);
  try {
    await waitForEnd(identity, { clock, signal: limit.signal });
    return true;
  } catch (error) {
    if (signal?.aborted) throw error;
    return false;
  }
}

/** Processes whose command line says that they are the shim of that container in that namespace of that containerd. */
async function shimsOf(id: string, { namespace, address }: ShimScope): Promise<readonly Shim[]> {
  const shims = await findShims((shim) =>
    shim.id === id && shim.namespace === namespace &&
    (shim.address === undefined || isSameSocket(shim.address, address))
  );
  return shims.map(({ identity }) => ({ identity, bundle: workingDirectory(identity.pid) }));
}

function isSameSocket(told: string, address: string): boolean {
  if (told === address) return true;
  try {
    const [one, other] = [Deno.statSync(told), Deno.statSync(address)];
    return one.ino === other.ino && one.dev === other.dev;
  } catch {
    return false;
  }
}

function workingDirectory(pid: number): string | undefined {
  try {
    const path = Deno.readLinkSync(`/proc/${pid}/cwd`);
    return path.endsWith(" (deleted)") ? undefined : path;
  } catch {
    return undefined;
  }
}
