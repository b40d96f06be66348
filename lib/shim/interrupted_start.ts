import { type Clock, deadline } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { mkfifo } from "../base/libc_files.ts";
import { getLogger } from "../base/log.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { type Bundle, runtimeOf } from "./bundle.ts";
import type { Shim } from "./shim.ts";
import { type ShimProcessState, shimRef, stateOf } from "./task_state.ts";

/*
 * Who starts a task and is killed over it takes `runc start` with him, perhaps after the program has been let loose and
 * before the shim knows. The shim then says `created` for ever. The next `runc start` waits at the container's exec.fifo for
 * a word that the program's process has given to the first one; or, when that had removed the FIFO already, says that the
 * container runs. Both are helped here: it gets that word from us, at a FIFO of ours if need be.
 */

const log = getLogger("shim");

/** A start that takes longer than this is looked at; it takes 10 ms. */
const pollMs = 250;
const finishMs = 5000;

/** Options of {@link startTask}. */
export interface StartTaskOptions extends CallOptions {
  readonly bundle: Bundle;
  readonly clock: Clock;
}

/** Starts a task, also one whose start was cut off before. */
export async function startTask(shim: Shim, options: StartTaskOptions): Promise<{ readonly pid: number }> {
  const { bundle } = options;
  try {
    return await start(shim, options);
  } catch (error) {
    if (!/\balready running\b/.test(messageOf(error)) || !await hasBegun(bundle)) throw error;
    const path = await fifoOf(bundle);
    mkfifo(path, 0o622);
    try {
      return await start(shim, options);
    } catch (again) {
      await Deno.remove(path).catch(() => {});
      throw again;
    }
  }
}

/** Finishes a start that was cut off like that, and gives the state then; of every other task the same state. */
export async function finishStart(
  state: ShimProcessState,
  shim: Shim,
  { bundle, clock, signal }: Omit<StartTaskOptions, "deadlineMs">,
): Promise<ShimProcessState> {
  if (state.status !== "created" || !await hasBegun(bundle)) return state;
  using limit = deadline(finishMs, signal);
  const target = { containerId: bundle.id };
  try {
    await startTask(shim, { bundle, clock, signal: limit.signal });
    return stateOf(target, await shim.call(shim.methods.state, shimRef(target), { signal: limit.signal }));
  } catch (error) {
    if (signal?.aborted) throw error;
    log.warning("a start that was cut off is not finished", { id: bundle.id, error });
    return state;
  }
}

async function start(shim: Shim, { bundle, clock, ...options }: StartTaskOptions): Promise<{ readonly pid: number }> {
  const ended = new AbortController();
  const watching = watch(bundle, clock, ended.signal);
  try {
    return await shim.call(shim.methods.start, shimRef({ containerId: bundle.id }), options);
  } finally {
    ended.abort();
    await watching;
  }
}

async function watch(bundle: Bundle, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(pollMs, { signal }).catch(() => {});
    if (signal.aborted || !await hasBegun(bundle)) continue;
    await release(bundle).catch((error: unknown) => log.debug("a start is not let through", { id: bundle.id, error }));
  }
}

/** Whether runc's init has become the container's program: until then it calls itself `runc:[2:INIT]`. */
async function hasBegun(bundle: Bundle): Promise<boolean> {
  try {
    const pid = Number(await Deno.readTextFile(`${bundle.path}/init.pid`));
    if ((await Deno.readTextFile(`/proc/${pid}/comm`)).startsWith("runc:[")) return false;
    // crun has no such file, nor this problem.
    await Deno.lstat(`${await stateDirectory(bundle)}/state.json`);
    return true;
  } catch {
    // A restore that has no process yet, or it has ended: `runc start` sees that by itself.
    return false;
  }
}

async function release(bundle: Bundle): Promise<void> {
  const path = await fifoOf(bundle);
  if (!(await Deno.lstat(path)).isFifo) return;
  // For reading, too: so this never waits for the other end.
  using fifo = await Deno.open(path, { read: true, write: true });
  await fifo.write(new TextEncoder().encode("0"));
}

async function fifoOf(bundle: Bundle): Promise<string> {
  return `${await stateDirectory(bundle)}/exec.fifo`;
}

async function stateDirectory(bundle: Bundle): Promise<string> {
  return `${(await runtimeOf(bundle)).root}/${bundle.id}`;
}
