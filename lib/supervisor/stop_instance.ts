import { type Clock, systemClock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { acquireLock, type Lock, lockHolder } from "../base/lock.ts";
import { getLogger } from "../base/log.ts";
import { type ProcessIdentity, readIdentity, signalProcess, waitForEnd } from "../base/proc.ts";
import { terminate } from "./child.ts";
import { checkOwnDirectory } from "./directories.ts";
import { holderIdentity, holderText } from "./holder.ts";
import { type InstanceLocation, type InstancePaths, instancePaths } from "./paths.ts";
import { removePidfile } from "./pidfile.ts";
import { removeStaleSocket } from "./probe.ts";
import { findRunning } from "./running.ts";
import { settlesWithin } from "./time_limit.ts";

/** What {@link stopInstance} ends, and how. */
export interface StopInstanceOptions extends InstanceLocation {
  /** Time between TERM and KILL, milliseconds. */
  readonly stopTimeoutMs: number;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** What {@link stopInstance} has ended. */
export interface StopInstanceResult {
  /** False when nothing of the instance was running. */
  readonly stopped: boolean;
  /** The supervisor that was ended. */
  readonly supervisorPid?: number | undefined;
  /** A containerd without a supervisor, which was ended directly. */
  readonly orphanPid?: number | undefined;
  /** True when something had to be killed. */
  readonly killed: boolean;
}

const log = getLogger("supervisor");

/** Beyond the stop timeout, which the supervisor needs itself for containerd, milliseconds. */
const supervisorGraceMs = 5000;
const lockTries = 20;
const lockPauseMs = 25;

/**
 * Ends an instance, whatever state it is in: the supervisor, which ends its containerd; a containerd that was left
 * without one; files that nobody needs any more. Containers go on running. Nothing to end is a success. Processes are
 * signalled by identity only; one that belongs to somebody else is `permission_denied`.
 */
export async function stopInstance(options: StopInstanceOptions): Promise<StopInstanceResult> {
  const { clock = systemClock, stopTimeoutMs } = options;
  const paths = instancePaths(options);
  if (!await checkOwnDirectory(paths.state)) return { stopped: false, killed: false };
  const supervisor = await stopSupervisor(paths, { clock, stopTimeoutMs });
  const lock = await lockUnlessHeld(paths, clock);
  // Somebody has started the instance again meanwhile: that is not what we were asked to end.
  if (lock === undefined) return { stopped: supervisor !== undefined, killed: false, ...supervisor };
  try {
    const orphan = await findRunning(paths);
    let killed = supervisor?.killed ?? false;
    if (orphan !== undefined) {
      const ended = waitForEnd(orphan.identity, { clock }).then(() => ({}));
      killed = await terminate({ identity: orphan.identity, ended }, { clock, stopTimeoutMs }) || killed;
    }
    await removePidfile(paths);
    for (const path of [paths.address, paths.ttrpcAddress, ...socketsOf(orphan?.record?.address)]) {
      await removeStaleSocket(path, { clock }).catch((error) => log.warning("a socket stays", { path, error }));
    }
    return {
      stopped: supervisor !== undefined || orphan !== undefined,
      supervisorPid: supervisor?.supervisorPid,
      orphanPid: orphan?.identity.pid,
      killed,
    };
  } finally {
    await lock.release();
  }
}

interface Limits {
  readonly clock: Clock;
  readonly stopTimeoutMs: number;
}

interface StoppedSupervisor {
  readonly supervisorPid: number;
  readonly killed: boolean;
}

async function stopSupervisor(paths: InstancePaths, limits: Limits): Promise<StoppedSupervisor | undefined> {
  const { clock, stopTimeoutMs } = limits;
  const holder = await findHolder(paths, clock);
  if (holder === undefined) return undefined;
  if (holder.pid === Deno.pid) {
    throw new GantryError("failed_precondition", `${paths.state} is held by this very process`, {
      hint: "call stop() of its Supervisor",
    });
  }
  await signalProcess(holder, "TERM");
  // One that somebody stopped with Ctrl-Z can only listen when it runs.
  await signalProcess(holder, "CONT");
  const ended = waitForEnd(holder, { clock });
  const inTime = await settlesWithin(ended, { clock, ms: stopTimeoutMs + supervisorGraceMs });
  if (!inTime) {
    log.warning("the supervisor did not end on TERM and is killed", { pid: holder.pid });
    await signalProcess(holder, "KILL");
    await ended;
  }
  return { supervisorPid: holder.pid, killed: !inTime };
}

/** Who holds the instance; undefined when nobody does. */
async function findHolder(paths: InstancePaths, clock: Clock): Promise<ProcessIdentity | undefined> {
  for (let tries = 1;; tries++) {
    const text = await lockHolder(paths.lock);
    if (text === undefined) return undefined;
    const holder = holderIdentity(text);
    if (holder !== undefined) return holder;
    // Locked, and not yet written who by.
    if (tries >= lockTries) {
      throw new GantryError("failed_precondition", `${paths.lock} is held by a process that does not say who it is`, {
        hint: `\`fuser ${paths.lock}\` finds it`,
      });
    }
    await clock.sleep(lockPauseMs);
  }
}

async function lockUnlessHeld(paths: InstancePaths, clock: Clock): Promise<Lock | undefined> {
  const self = await readIdentity(Deno.pid);
  if (self === undefined) throw new GantryError("internal", "cannot read who this process is from /proc");
  try {
    return await acquireLock(paths.lock, { content: holderText(self), clock });
  } catch (error) {
    if (isCode(error, "failed_precondition")) return undefined;
    throw error;
  }
}

function socketsOf(address: string | undefined): readonly string[] {
  return address === undefined ? [] : [address, `${address}.ttrpc`];
}
