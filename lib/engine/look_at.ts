import { isCode } from "../base/errors.ts";
import { startedAt } from "../base/start_time.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { unknownState } from "../wire/process_reply.ts";
import { bundleOf } from "./bundle.ts";
import type { Container } from "./container.ts";
import type { ContainerPaths } from "./container_paths.ts";
import type { ContainerDocument } from "./inspect/document.ts";
import { inspectContainer } from "./inspect/inspect.ts";
import { readOomKills } from "./inspect/oom_kills.ts";
import type { LifeFacts } from "./inspect/state.ts";
import { storedSpec } from "./inspect/stored_spec.ts";
import { readTaskFiles } from "./inspect/task_files.ts";
import type { RuncScope } from "./runc_state.ts";
import { keepsStdin } from "./start_stored.ts";
import type { ProcessState } from "./task_api.ts";

/** Where a container is looked for. */
export interface LookAtOptions extends Omit<CallOptions, "namespace">, RuncScope {
  /** containerd's socket, or the directory of the bundles. */
  readonly address: string;
  readonly paths: ContainerPaths;
}

/** A shim that does not answer within this is told as unknown. */
const stateMs = 2500;

/** All about a container, asked for now. `not_found` when there is no record of it. */
export async function lookAt(
  container: Container,
  { namespace, runtimeRoot, address, paths, ...call }: LookAtOptions,
): Promise<ContainerDocument> {
  const [record, state] = await Promise.all([container.record(call), stateOf(container, call)]);
  const hasLogs = await Deno.lstat(paths.stdoutLog).then(() => true, () => false);
  const files = readTaskFiles(container.id, { namespace, runtimeRoot });
  const oomKills = readOomKills(storedSpec(record)?.linux?.cgroupsPath ?? "") ?? 0;
  return inspectContainer({
    record,
    namespace,
    socket: address,
    life: { ...lifeOf(state, files.startedAt), oomKilled: oomKills > 0 },
    bundle: files.bundle ?? (state === undefined || state.pid === 0 ? undefined : bundleOf(state.pid)),
    execIds: files.execIds,
    paths,
    logs: hasLogs ? { stdout: paths.stdoutLog, stderr: paths.stderrLog } : undefined,
    // Before it has a task, its label says so.
    openStdin: state === undefined ? keepsStdin(record) : state.stdio.stdin !== "",
  });
}

async function stateOf(container: Container, call: CallOptions): Promise<ProcessState | undefined> {
  try {
    return await container.task.state({ ...call, deadlineMs: stateMs });
  } catch (error) {
    if (isCode(error, "not_found")) return undefined;
    if (!isCode(error, "deadline_exceeded")) throw error;
    return unknownState(container.task.ref);
  }
}

function lifeOf(state: ProcessState | undefined, started: number | undefined): LifeFacts {
  if (state === undefined) return { status: "none", pid: 0 };
  const { status, pid, exit } = state;
  const hasStarted = status !== "created";
  return { status, pid, exit, startedAt: hasStarted ? started ?? (pid > 0 ? startedAt(pid) : undefined) : undefined };
}
