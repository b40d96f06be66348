import type { ExitStatus, TaskStatus } from "../../wire/task.ts";
import type { DockerStatus, StateDocument } from "./document.ts";

/** What is known about the life of a container. */
export interface LifeFacts {
  /** `none` when there is no task. */
  readonly status: TaskStatus | "none";
  readonly pid: number;
  /** How it ended, also when its task has been removed since. */
  readonly exit?: ExitStatus | undefined;
  /** Milliseconds since 1970; undefined when it never started, or nobody knows. */
  readonly startedAt?: number | undefined;
  /** A process of it was killed for want of memory. */
  readonly oomKilled?: boolean | undefined;
  /** Why it could not be started. */
  readonly error?: string | undefined;
}

/** docker's word for a status. A container without a task has ended when an end of it is known. */
export function dockerStatus(status: TaskStatus | "none", exit: ExitStatus | undefined): DockerStatus {
  switch (status) {
    case "running":
    case "unknown":
      return status;
    case "paused":
    case "pausing":
      return "paused";
    case "stopped":
      return "exited";
    case "created":
      return "created";
    case "none":
      return exit === undefined ? "created" : "exited";
  }
}

/** The part `State`. */
export function stateDocument(life: LifeFacts): StateDocument {
  const status = dockerStatus(life.status, life.exit);
  const runs = status === "running" || status === "paused";
  const exit = status === "exited" ? life.exit : undefined;
  return {
    Status: status,
    Running: runs,
    Paused: status === "paused",
    Restarting: false,
    OOMKilled: life.oomKilled ?? false,
    Dead: false,
    Pid: runs ? life.pid : 0,
    ExitCode: exit?.code ?? 0,
    ...(exit === undefined ? {} : { ExitExact: exit.exact }),
    Error: life.error ?? "",
    StartedAt: rfc3339(life.startedAt),
    FinishedAt: rfc3339(exit?.exitedAt),
  };
}

/** Go's zero time, which is what docker writes for "never". */
const never = "0001-01-01T00:00:00Z";

/** A time in milliseconds since 1970; {@link never} for undefined, 0 and what no date can hold. */
export function rfc3339(ms: number | undefined): string {
  const time = new Date(ms ?? 0);
  return ms === undefined || ms === 0 || Number.isNaN(time.getTime()) ? never : time.toISOString();
}
