import { DeleteResponse } from "../../proto/gen/shim/task.ts";
import { type Clock, deadline } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { getLogger } from "../base/log.ts";
import { children, type ProcessIdentity, readIdentity, signalProcess } from "../base/proc.ts";
import type { ExitStatus } from "../wire/task.ts";
import { toMillis } from "../wire/timestamp.ts";
import { asideOf, type Bundle, hasBundle, isDeleted, makerOf, runtimeOf, shimOf } from "./bundle.ts";
import { controlGroupsOf, processesIn, removeControlGroups } from "./control_groups.ts";
import { keepLost, lostCode } from "./lost_task.ts";
import { unmountBelow } from "../base/mounts_below.ts";
import { type Orphans, orphansOf } from "./orphans.ts";
import { deleteByRuntime, removeRuntimeState } from "./runtime_state.ts";
import { killShim, shimsOf, startsOf } from "./shim_process.ts";
import { isShared } from "./shared_shim.ts";
import { removeShimSockets } from "./shim_socket.ts";
import { runShimCommand } from "./start_command.ts";

const log = getLogger("shim");

/** Options of {@link cleanUp}. */
export interface CleanUpOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
}

/** How long the shim's `delete` may take; it kills the container and waits for it, 0.1 to 2 s. */
const deleteMs = 15_000;
const lockPollMs = 20;

/** What {@link cleanUp} found. */
export interface CleanedUp {
  /** How the container ended: exact when this process is the reaper of orphans and saw it, else 137 and inexact. */
  readonly exit: ExitStatus;
  /** Whether there was a task, neither half-made nor deleted: its end is kept until it is deleted. */
  readonly wasTask: boolean;
}

/**
 * Cleans up to nothing behind a shim that is proved dead, or whose container is to go with it: kills the shim if it is
 * there after all, its container, and removes mounts, control groups, the runtime's state, socket and bundle. May be cut
 * off and done again. Answers to whoever did the work and to nobody else: undefined when the bundle had gone.
 */
export async function cleanUp(bundle: Bundle, options: CleanUpOptions): Promise<CleanedUp | undefined> {
  await using _lock = await lockOf(bundle, options);
  if (!await hasBundle(bundle)) return undefined;
  const wasTask = await makerOf(bundle) === "none" && !await isDeleted(bundle);
  if (!await isShared(bundle)) await killShims(bundle, options);
  const groups = await controlGroupsOf(bundle);
  const orphans = orphansOf(bundle, processesIn(groups));
  const state = { ...await runtimeOf(bundle), id: bundle.id };
  const deleted = await deleteByShim(bundle, { ...options, orphans });
  if (deleted === undefined) await deleteByRuntime(state, options);
  await removeControlGroups(groups, options);
  const exit = orphans.exit(options.clock) ?? deleted ?? lost(options.clock);
  await removeRuntimeState(state);
  const kept = wasTask ? await keepLost(bundle, exit) : exit;
  await removeBundle(bundle);
  return { exit: kept, wasTask };
}

/**
 * Removes a bundle whose task is gone: what is mounted in it is unmounted and never deleted, its socket goes when nobody
 * listens there. Nothing of it is left under its name at any time.
 */
export async function removeBundle(bundle: Bundle): Promise<void> {
  const { path } = bundle;
  await removeShimSockets(bundle);
  await unmountBelow(path);
  const aside = asideOf(bundle);
  try {
    await Deno.rename(path, aside);
    await Deno.remove(aside, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove the bundle ${path}`);
  }
}

/** Removes a directory that a dead maker left beside the bundles. */
export async function removeAbandoned(path: string): Promise<void> {
  await unmountBelow(path);
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove ${path}`);
  });
}

/** An end that nobody saw. */
export function lost(clock: Clock): ExitStatus {
  return { code: lostCode, exitedAt: clock.now(), exact: false };
}

/** With all that it has started: a `runc create` that outlives its shim would go on making what is removed here. */
async function killShims(bundle: Bundle, options: CleanUpOptions): Promise<void> {
  // First, and waited for: it would make a socket and a shim behind what is removed here.
  for (const { identity } of await startsOf(bundle)) await killShim(identity, options);
  for (const { identity } of await shimsOf(bundle)) {
    const started = await descendantsOf(identity.pid);
    await killShim(identity, options);
    for (const process of started) await signalProcess(process, "KILL");
  }
}

async function descendantsOf(pid: number): Promise<readonly ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const child of await children(pid)) {
    const identity = await readIdentity(child);
    if (identity !== undefined) found.push(identity, ...await descendantsOf(child));
  }
  return found;
}

/** Has the shim's program kill and unmount; undefined when it cannot (shims 1.x without what Create writes). */
async function deleteByShim(
  bundle: Bundle,
  { clock, signal, path, orphans }: CleanUpOptions & { readonly orphans: Orphans },
): Promise<ExitStatus | undefined> {
  const shim = await shimOf(bundle);
  if (shim === undefined) return undefined;
  using limit = deadline(deleteMs, signal);
  const ended = new AbortController();
  // The runtime waits for its container to be gone, which it is not before its parent has reaped it.
  const reaping = orphans.reapUntil(ended.signal, clock);
  try {
    const args = ["-bundle", bundle.path, "delete"];
    const { code, stdout, stderr } = await runShimCommand(bundle, { shim, path, args, signal: limit.signal });
    if (code === 0) {
      const { exitStatus, exitedAt } = DeleteResponse.decode(stdout);
      return { code: exitStatus || lostCode, exitedAt: toMillis(exitedAt) ?? clock.now(), exact: false };
    }
    log.debug("the shim's delete failed", { id: bundle.id, error: new TextDecoder().decode(stderr) });
  } catch (error) {
    if (signal?.aborted) throw error;
    log.debug("the shim's delete cannot be run", { id: bundle.id, error });
  } finally {
    ended.abort();
    await reaping;
  }
  return undefined;
}

/** One cleans up at a time, in whichever process; a lock of a process that died is free. */
async function lockOf({ root, namespace, id }: Bundle, { clock, signal }: CleanUpOptions): Promise<Lock | undefined> {
  using limit = deadline(2 * deleteMs, signal);
  const path = `${root}/${namespace}/.lock-${id}`;
  for (;;) {
    try {
      return await acquireLock(path, { content: String(Deno.pid), needsContent: false, clock, signal });
    } catch (error) {
      // No directory of that namespace: nothing to clean up.
      if (isCode(error, "not_found")) return undefined;
      if (!isCode(error, "failed_precondition")) throw error;
      if (limit.signal.aborted) {
        throw new GantryError("deadline_exceeded", `container ${id} is being cleaned up by another process`, {
          cause: error,
        });
      }
    }
    await clock.sleep(lockPollMs, { signal });
  }
}
