import { readTextIfExists } from "../base/atomic_file.ts";
import { deadline, systemClock } from "../base/clock.ts";
import { GantryError, messageOf } from "../base/errors.ts";
import { isNobodyListening } from "../rpc/ttrpc_transport.ts";
import { closeOnExecFrom } from "../base/libc_files.ts";
import { spawnDetached } from "../base/spawn_detached.ts";
import type { RuntimeOptions } from "../wire/runtime_options.ts";
import type { Bundle } from "./bundle.ts";
import { writeShimAddress } from "./bundle_address.ts";
import { raiseOomScore } from "./oom_score.ts";
import { connectShim, type Shim } from "./shim.ts";
import { newShimSocket } from "./shim_socket.ts";
import { runStartCommand, shimInvocation } from "./start_command.ts";

/** Options of {@link startShim}. */
export interface StartShimOptions {
  /** Absolute path of the shim's program. */
  readonly shim: string;
  /** Options of the OCI runtime, of which only the shim's control group matters here. */
  readonly runtime?: RuntimeOptions | undefined;
  /** Socket that takes the shim's events; default none. It must exist while the shim runs, dead or alive. */
  readonly events?: string | undefined;
  /**
   * `start` runs the shim's own start command, as containerd does. `direct` runs its server at a socket of ours, which
   * takes 5 to 10 ms less; what start does beside is then done here. Default `direct`, and `start` with a control group.
   */
  readonly way?: "start" | "direct" | undefined;
  /** PATH, in which the shim finds the OCI runtime and that finds CRIU; the shim's own directory goes before. Default ours. */
  readonly path?: string | undefined;
  /** Tells the shim to log everything to `log` in the bundle. Default false. */
  readonly debug?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long it may take until the shim answers, milliseconds; default 30 000: a loaded machine takes its time. */
  readonly deadlineMs?: number | undefined;
}

/**
 * Starts the shim of a bundle and connects to it; where it listens is then in the bundle. Files that this process has
 * open do not reach it. The shim's own words are in the error when it does not start.
 */
export async function startShim(bundle: Bundle, options: StartShimOptions): Promise<Shim> {
  const { shim, signal, deadlineMs = 30_000 } = options;
  using limit = deadline(deadlineMs, signal);
  try {
    return await (startsDirectly(options) ? startDirectly : startByCommand)(bundle, {
      ...options,
      signal: limit.signal,
    });
  } catch (error) {
    if (!limit.signal.aborted || signal?.aborted) throw error;
    throw new GantryError("deadline_exceeded", `the shim ${shim} did not answer within ${deadlineMs} ms`, {
      cause: error,
      hint: `its log is ${bundle.path}/log`,
    });
  }
}

/** Which way {@link startShim} takes. Only the start command puts a shim into a control group. */
export function startsDirectly({ way, runtime = {} }: Pick<StartShimOptions, "way" | "runtime">): boolean {
  return way === undefined ? !runtime.shimCgroup : way === "direct";
}

async function startByCommand(bundle: Bundle, options: StartShimOptions): Promise<Shim> {
  const { signal } = options;
  // A shim would hold the pipes of a $(…) open for life; `spawnDetached` sees to that by itself.
  closeOnExecFrom(3);
  const address = await runStartCommand(bundle, options);
  await writeShimAddress(bundle.path, address);
  try {
    return await connectShim(bundle, address, { signal });
  } catch (error) {
    throw isNobodyListening(error) ? await failureOf(bundle, options.shim, error) : error;
  }
}

async function startDirectly(bundle: Bundle, options: StartShimOptions): Promise<Shim> {
  const { shim, signal } = options;
  const path = newShimSocket(bundle.root);
  // Where shims 1.x look for the socket to remove when they end; and from now on it is known to who cleans up.
  // Synchronous: a cold process takes milliseconds for its first asynchronous call on a file.
  Deno.writeTextFileSync(`${bundle.path}/address`, `unix://${path}`);
  const child = spawnDetached(shim, shimInvocation(bundle, { ...options, args: ["-socket", path] }));
  raiseOomScore(child.pid);
  try {
    for (;;) {
      try {
        const connection = await connectShim(bundle, { path }, { signal, child });
        await writeShimAddress(bundle.path, connection.address);
        return connection;
      } catch (error) {
        if (!isNobodyListening(error)) throw error;
        if (child.hasEnded) throw await failureOf(bundle, shim, error);
      }
      await systemClock.sleep(1, { signal });
    }
  } catch (error) {
    if (!child.hasEnded) Deno.kill(child.pid, "SIGKILL");
    await child.ended({ clock: systemClock });
    throw error;
  }
}

async function failureOf(bundle: Bundle, shim: string, cause: unknown): Promise<GantryError> {
  const said = (await readTextIfExists(`${bundle.path}/log`).catch(() => undefined))?.trim().split("\n").at(-1);
  return new GantryError("unavailable", `the shim ${shim} ended at once: ${said || messageOf(cause)}`, { cause });
}
