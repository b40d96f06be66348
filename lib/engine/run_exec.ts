import { type Clock, systemClock } from "../base/clock.ts";
import type { ExitStatus } from "../wire/task.ts";
import { attendProcess, type ForegroundEnd, type ForegroundOptions, type ForegroundStreams } from "./attend_process.ts";
import type { Engine } from "./engine.ts";
import { freeEndedExecs, leaveExec } from "./exec_detached.ts";
import { execDirectory, removeExecDirectory } from "./exec_directory.ts";
import { endExec } from "./exec_end.ts";
import { beginExec, type ExecMakingOptions, type ExecRunRequest, planExecRun } from "./exec_making.ts";

/** How long freeing an exec that has ended may take. */
const freeMs = 10_000;
/**
 * The same when a child of it holds its output open: the shim then waits 2 s (10 s in 2.x) before it frees the exec, and
 * does so when nobody listens any more, too.
 */
const heldMs = 300;
/** How long killing and freeing an exec may take that was given up. */
const giveUpMs = 3000;

/** Options of {@link runExec}. */
export interface RunExecOptions extends ForegroundOptions, ExecMakingOptions {}

/**
 * Runs a program in a running container and attends to it until it ends: four RPCs. It is freed whatever happens: when its
 * start fails, when `signal` is aborted (it is then killed, also after its start), and at its end. Only an exec that was let
 * go of by `handle.detach()` goes on; whoever `onDetached` finds is to read its FIFOs and to free it at its end.
 *
 * When this process dies its execs go on: see to that, as `gantry exec` does, or leave them to their own ends.
 *
 * `failed_precondition` for a container that does not run or is paused, `not_found` for no such container or user.
 */
export async function runExec(
  engine: Engine,
  containerId: string,
  request: ExecRunRequest,
  { streams, ...options }: RunExecOptions & { readonly streams: ForegroundStreams },
): Promise<ForegroundEnd> {
  const { signal, clock = systemClock, onMaking, onFreed } = options;
  const planned = await planExecRun(engine, containerId, request, options);
  const { ref } = planned;
  const freed = async (): Promise<void> => {
    await removeExecDirectory(engine, ref);
    await onFreed?.();
  };
  const end = await attendProcess(engine, {
    ref,
    directory: execDirectory(engine, ref),
    terminal: request.tty,
    begin: (steps) => beginExec(engine, planned, { ...steps, clock, onMaking, onFreed: freed }),
  }, {
    ...options,
    streams,
    onDetached: async (leftMs) => {
      if (signal?.aborted !== true) await options.onDetached?.(leftMs);
    },
  });
  if (end.kind === "detached" && signal?.aborted !== true) return end;
  const withinMs = end.kind === "detached" ? giveUpMs : end.outputHeld === true ? heldMs : freeMs;
  if (await endExec(engine, ref, { clock, withinMs })) await freed();
  else await removeExecDirectory(engine, ref);
  return end.kind === "detached" ? end : { ...end, exit: neverSuccess(end.exit) };
}

/**
 * Starts a program in a running container that nobody attends to; what it writes goes nowhere. Whatever fails is undone.
 * Once it has ended it is freed by the next one that is started this way, or with its container.
 */
export async function runExecDetached(
  engine: Engine,
  containerId: string,
  request: ExecRunRequest,
  options: Omit<ExecMakingOptions, "onFreed"> & { readonly clock?: Clock | undefined } = {},
): Promise<{ readonly execId: string; readonly pid: number }> {
  const { clock = systemClock } = options;
  const planned = await planExecRun(engine, containerId, request, options);
  const { ref } = planned;
  await freeEndedExecs(engine, containerId, clock);
  // The master of a terminal somebody must read; for no stdout the runtime gives the process /dev/null.
  const stdout = request.tty ? "/dev/null" : "";
  const openStdio = () => Promise.resolve({ stdin: "", stdout, stderr: "", terminal: request.tty });
  const { pid } = await beginExec(engine, planned, { ...options, openStdio, clock });
  await leaveExec(engine, ref, { pid, clock });
  return { execId: ref.execId, pid };
}

/** Of a process that nobody saw end containerd says code 0. */
function neverSuccess(exit: ExitStatus): ExitStatus {
  return exit.exact || exit.code !== 0 ? exit : { ...exit, code: 255 };
}
