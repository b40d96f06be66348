import { readTextIfExists } from "../base/atomic_file.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { readIdentity } from "../base/proc.ts";
import { type InstanceLocation, instancePaths } from "./paths.ts";
import { parseStatus, type SupervisorStatus } from "./status.ts";

/** What {@link waitForReady} waits for. */
export interface WaitForReadyOptions extends InstanceLocation {
  /** The supervisor's process, which has been started just now. */
  readonly pid: number;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /** Ends the wait by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** How the start of a supervisor in another process ended. */
export type ReadyResult =
  | { readonly ready: true; readonly status: SupervisorStatus }
  /** `report` is what it left; undefined when it ended before it could, e.g. because another one has the directory. */
  | { readonly ready: false; readonly report?: string | undefined };

const pollMs = 20;

/**
 * Waits until the supervisor in process `pid` serves, or until it has ended without. For `gantry up --detach`, which
 * starts itself in the background and must know how that went. There is no time limit but the signal: the supervisor
 * keeps its own.
 */
export async function waitForReady(options: WaitForReadyOptions): Promise<ReadyResult> {
  const { pid, clock = systemClock, signal } = options;
  const paths = instancePaths(options);
  for (;;) {
    signal?.throwIfAborted();
    // In this order: what it wrote before it ended is there when it is gone.
    const alive = await readIdentity(pid);
    const record = parseStatus(await readTextIfExists(paths.status) ?? "");
    const own = record?.supervisor.pid === pid ? record : undefined;
    const isOfThis = own !== undefined && (alive === undefined || own.supervisor.startTime === alive.startTime);
    if (isOfThis && alive !== undefined && (own.status.state === "serving" || own.status.state === "unhealthy")) {
      return { ready: true, status: own.status };
    }
    if (alive === undefined) return { ready: false, report: isOfThis ? own.report : undefined };
    await clock.sleep(pollMs, { signal });
  }
}
