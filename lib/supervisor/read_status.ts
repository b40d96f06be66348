import { readTextIfExists } from "../base/atomic_file.ts";
import { lockHolder } from "../base/lock.ts";
import { isAlive } from "./child.ts";
import { holderIdentity } from "./holder.ts";
import { type InstanceLocation, type InstancePaths, instancePaths } from "./paths.ts";
import { findRunning, type RunningContainerd } from "./running.ts";
import { downStatus, parseStatus, type StatusRecord, type SupervisorStatus } from "./status.ts";
import { processAge } from "./uptime.ts";

/**
 * What an instance is doing, asked from any process and in any state. A file alone is not believed: who holds the
 * lock, and which processes are alive, is asked of the kernel. Fails only when the state directory may not be read.
 */
export async function readStatus(location: InstanceLocation): Promise<SupervisorStatus> {
  const paths = instancePaths(location);
  const [holderText, statusText] = await Promise.all([lockHolder(paths.lock), readTextIfExists(paths.status)]);
  const record = parseStatus(statusText ?? "");
  if (holderText === undefined) return await unsupervised(paths, record);
  const holder = holderIdentity(holderText);
  const isOfHolder = record !== undefined && holder !== undefined && record.supervisor.pid === holder.pid &&
    record.supervisor.startTime === holder.startTime;
  // Its first status is about to be written; the file is of an earlier supervisor.
  if (!isOfHolder) return { ...downStatus(paths), state: "starting", supervisorPid: holder?.pid };
  return await supervised(record);
}

async function supervised({ status, containerd }: StatusRecord): Promise<SupervisorStatus> {
  if (containerd === undefined) return { ...status, uptimeSeconds: undefined };
  if (await isAlive(containerd)) return { ...status, uptimeSeconds: processAge(containerd) };
  // It has just died, and the supervisor is about to say so.
  const serves = status.state === "serving" || status.state === "unhealthy";
  return {
    ...status,
    state: serves ? "restarting" : status.state,
    containerdPid: undefined,
    version: undefined,
    uptimeSeconds: undefined,
  };
}

async function unsupervised(paths: InstancePaths, last: StatusRecord | undefined): Promise<SupervisorStatus> {
  const running = await findRunning(paths);
  const down = downStatus(paths, last?.status.lastFailure);
  return running === undefined ? down : { ...down, ...orphan(running) };
}

function orphan({ identity, record }: RunningContainerd): Partial<SupervisorStatus> {
  return {
    state: "orphaned",
    containerdPid: identity.pid,
    uptimeSeconds: processAge(identity),
    ...(record === undefined ? {} : { address: record.address, version: record.version || undefined }),
  };
}
