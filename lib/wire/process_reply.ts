/** What containerd and the shims say alike of a process, in gantry's words. */
import { Status } from "../../proto/gen/containerd/task.ts";
import type { Timestamp } from "../../proto/gen/google/protobuf/timestamp.ts";
import type { ExitStatus, StdioPaths, TaskStatus } from "./task.ts";
import { toMillis } from "./timestamp.ts";

/** How a process ended. An end without a time is one nobody saw (one that never ran answers 0): never to be read as success. */
export function exitStatusOf(
  reply: { readonly exitStatus: number; readonly exitedAt?: Timestamp | undefined },
): ExitStatus {
  const exitedAt = toMillis(reply.exitedAt);
  return { code: reply.exitStatus, exitedAt: exitedAt ?? 0, exact: exitedAt !== undefined };
}

/** What a process is doing; `unknown` for what a newer containerd may say. */
export function taskStatusOf(status: Status | undefined): TaskStatus {
  switch (status) {
    case Status.CREATED:
      return "created";
    case Status.RUNNING:
      return "running";
    case Status.STOPPED:
      return "stopped";
    case Status.PAUSED:
      return "paused";
    case Status.PAUSING:
      return "pausing";
    default:
      return "unknown";
  }
}

/** What is known of a process whose shim does not answer: nothing but its name, and it may well run. */
export function unknownState<Name extends object>(
  name: Name,
): Name & { readonly pid: number; readonly status: TaskStatus; readonly stdio: StdioPaths } {
  return { ...name, pid: 0, status: "unknown", stdio: { stdin: "", stdout: "", stderr: "", terminal: false } };
}
