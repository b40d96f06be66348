import { type Clock, deadline } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";
import { type ProcessIdentity, readIdentity, signalProcess, waitForEnd } from "../base/proc.ts";
import type { Bundle } from "./bundle.ts";

/** A shim that lives, as its command line describes it. */
export interface ShimProcess {
  readonly identity: ProcessIdentity;
  readonly namespace: string;
  /** Id of the container it was started for. */
  readonly id: string;
}

/** Options of {@link killShim}. */
export interface KillOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** How long a killed process may take to be gone. */
const killMs = 5000;

/** All shims that were started for bundles below `root`. Looks at every process: milliseconds. */
export async function shimsBelow(root: string): Promise<readonly ShimProcess[]> {
  const found: ShimProcess[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name) || shimArguments(name, root) === undefined) continue;
    const identity = await readIdentity(Number(name));
    // Once more, now that its identity is known: the pid may have been given to another process.
    const told = shimArguments(name, root);
    if (identity !== undefined && told !== undefined) found.push({ identity, ...told });
  }
  return found;
}

/** The shims that were started for one bundle: one, or none, or a second one after a start that was cut off. */
export async function shimsOf({ root, namespace, id }: Bundle): Promise<readonly ShimProcess[]> {
  return (await shimsBelow(root)).filter((shim) => shim.namespace === namespace && shim.id === id);
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

/** Whose shim a process is; undefined for what is no shim's server of that root. */
function shimArguments(pid: string, root: string): Omit<ShimProcess, "identity"> | undefined {
  const [program = "", ...args] = commandLine(pid);
  // `start` and `delete` end by themselves.
  if (!/(^|\/)containerd-shim[^/]*$/.test(program) || args.includes("start") || args.includes("delete")) {
    return undefined;
  }
  const valueOf = (flag: string): string | undefined => {
    const index = args.indexOf(flag);
    return index < 0 ? undefined : args[index + 1];
  };
  const [namespace, id] = [valueOf("-namespace"), valueOf("-id")];
  if (namespace === undefined || id === undefined || valueOf("-address") !== root) return undefined;
  return { namespace, id };
}

function commandLine(pid: string): readonly string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
