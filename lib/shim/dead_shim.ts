import { DeleteResponse } from "../../proto/gen/shim/task.ts";
import { type Clock, deadline } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { umount, umountFlags } from "../base/libc_files.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { getLogger } from "../base/log.ts";
import { readMounts } from "../base/mounts.ts";
import { children, type ProcessIdentity, readIdentity, signalProcess } from "../base/proc.ts";
import type { ExitStatus } from "../wire/task.ts";
import { toMillis } from "../wire/timestamp.ts";
import { asideOf, type Bundle, hasBundle, runtimeOf, shimOf } from "./bundle.ts";
import { controlGroupsOf, processesIn, removeControlGroups } from "./control_groups.ts";
import { type Orphans, orphansOf } from "./orphans.ts";
import { killShim, shimsOf } from "./shim_process.ts";
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
/** 128 + SIGKILL: what containerd reports for a container whose shim it lost. */
const lostCode = 137;

/**
 * Cleans up to nothing behind a shim that is proved dead, or whose container is to go with it: kills the shim if it is
 * there after all, its container, and removes mounts, control groups, the runtime's state, socket and bundle. May be cut
 * off and done again. Gives how the container ended, to whoever did the work and to nobody else: exact when this process
 * is the reaper of orphans and saw it, else 137 and inexact. Undefined when the bundle had gone.
 */
export async function cleanUp(bundle: Bundle, options: CleanUpOptions): Promise<ExitStatus | undefined> {
  await using _lock = await lockOf(bundle, options);
  if (!await hasBundle(bundle)) return undefined;
  if (!await isShared(bundle)) await killShims(bundle, options);
  const groups = await controlGroupsOf(bundle);
  const orphans = orphansOf(bundle, processesIn(groups));
  const deleted = await deleteByShim(bundle, { ...options, orphans }) ?? await deleteByRuntime(bundle, options);
  await removeControlGroups(groups, options);
  const exit = orphans.exit(options.clock) ?? deleted ?? lost(options.clock);
  await removeRuntimeState(bundle);
  await removeBundle(bundle);
  return exit;
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

/** The same by the runtime itself. What it says is not asked: the control groups are emptied and removed in any case. */
async function deleteByRuntime(bundle: Bundle, { path, signal }: CleanUpOptions): Promise<undefined> {
  const { binary, root } = await runtimeOf(bundle);
  using limit = deadline(deleteMs, signal);
  const env: Record<string, string> = path === undefined ? {} : { PATH: path };
  await new Deno.Command(binary, {
    args: ["--root", root, "delete", "--force", bundle.id],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: limit.signal,
  }).output().catch((error: unknown) => log.debug("the runtime's delete cannot be run", { id: bundle.id, error }));
  signal?.throwIfAborted();
}

async function removeRuntimeState(bundle: Bundle): Promise<void> {
  const { root } = await runtimeOf(bundle);
  await Deno.remove(`${root}/${bundle.id}`, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove ${root}/${bundle.id}`);
  });
}

async function unmountBelow(directory: string): Promise<void> {
  const below = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(`${directory}/`));
  // The last one mounted is on top.
  for (const { mountPoint } of below.reverse()) {
    try {
      umount(mountPoint, umountFlags.detach | umountFlags.noFollow);
    } catch (error) {
      // EINVAL: unmounted meanwhile.
      if (!isCode(error, "invalid_argument") && !isCode(error, "not_found")) throw error;
    }
  }
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
