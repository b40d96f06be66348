import { type Clock, deadline } from "../base/clock.ts";
import { readIdentity, signalProcess, waitForEnd } from "../base/proc.ts";

/** Whose shim, and how to wait. */
export interface LeakedShimOptions {
  readonly namespace: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** How long a shim without a task may take to end on TERM; it takes a few milliseconds. */
const politeMs = 2000;

/**
 * Ends shims of a container that the runtime knows nothing of any more (containerd 1.6 forgets the shim of a create that
 * was cut off). TERM first: the shim then removes its own socket.
 */
export async function endLeakedShims(id: string, options: LeakedShimOptions): Promise<void> {
  for (const pid of shimsOf(id, options.namespace)) {
    const identity = await readIdentity(pid);
    if (identity === undefined || !shimsOf(id, options.namespace).includes(pid)) continue;
    await signalProcess(identity, "TERM");
    try {
      using limit = deadline(politeMs, options.signal);
      await waitForEnd(identity, { clock: options.clock, signal: limit.signal });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      await signalProcess(identity, "KILL");
    }
  }
}

/** Processes whose command line says that they are the shim of that container in that namespace. */
function shimsOf(id: string, namespace: string): readonly number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const [program = "", ...args] = commandLine(name);
    if (!/(^|\/)containerd-shim[^/]*$/.test(program)) continue;
    if (valueOf("-id", args) === id && valueOf("-namespace", args) === namespace) found.push(Number(name));
  }
  return found;
}

function valueOf(flag: string, args: readonly string[]): string | undefined {
  const index = args.indexOf(flag);
  return index < 0 ? undefined : args[index + 1];
}

function commandLine(pid: string): readonly string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
