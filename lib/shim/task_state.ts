import type { StateResponse } from "../../proto/gen/shim/task.ts";
import type { ExitStatus, StdioPaths, TaskStatus } from "../wire/task.ts";
import { exitStatusOf, taskStatusOf } from "../wire/process_reply.ts";

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

/** What is known of a process whose shim does not answer: nothing, and it may well run. */
export function unknownState(name: ProcessName): ShimProcessState {
  return { ...name, pid: 0, status: "unknown", stdio: { stdin: "", stdout: "", stderr: "", terminal: false } };
}
