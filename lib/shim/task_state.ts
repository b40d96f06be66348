import type { StateResponse } from "../../proto/gen/shim/task.ts";
import type { ExitStatus, StdioPaths, TaskStatus } from "../wire/task.ts";
import { exitStatusOf, taskStatusOf, unknownState } from "../wire/process_reply.ts";

/** A task, or an exec in it when `execId` is given. */
export interface ProcessName {
  readonly containerId: string;
  readonly execId?: string | undefined;
}

/** A process as its shim sees it. */
export interface ShimProcessState extends ProcessName {
  /** Pid on the host; 0 before it runs. */
  readonly pid: number;
  readonly status: TaskStatus;
  readonly stdio: StdioPaths;
  /** How it ended; undefined while it runs. */
  readonly exit?: ExitStatus | undefined;
}

/** What a shim says of a process. */
export function stateOf(name: ProcessName, reply: StateResponse): ShimProcessState {
  const { stdin, stdout, stderr, terminal, pid } = reply;
  const status = taskStatusOf(reply.status);
  const exit = status === "stopped" ? exitStatusOf(reply) : undefined;
  return { ...name, pid, status, stdio: { stdin, stdout, stderr, terminal }, exit };
}

/** A process of a task whose shim was lost: it has ended with the task. */
export function lostState(name: ProcessName, exit: ExitStatus): ShimProcessState {
  return { ...unknownState(name), status: "stopped", exit };
}

/** How shims name a process. */
export function shimRef({ containerId, execId = "" }: ProcessName): { id: string; execId: string } {
  return { id: containerId, execId };
}
