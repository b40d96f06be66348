/** The events of tasks as shims and containerd send them. */
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from "../../proto/gen/events/task.ts";
import type { Timestamp } from "../../proto/gen/google/protobuf/timestamp.ts";
import { messageOf } from "../base/errors.ts";
import type { PackedValue } from "./any.ts";
import type { ExitStatus } from "./task.ts";
import { toMillis } from "./timestamp.ts";

/** What has happened to a task, by the end of its topic. */
export type TaskEventKind =
  | "create"
  | "start"
  | "delete"
  | "exit"
  | "oom"
  | "exec-added"
  | "exec-started"
  | "paused"
  | "resumed"
  | "checkpointed";

/** One event of a task. */
export interface TaskEvent {
  readonly kind: TaskEventKind;
  readonly containerId: string;
  /** Of `exec-added`, `exec-started`, and of `exit` and `delete` when they are an exec's. */
  readonly execId?: string | undefined;
  /** Pid on the host, where the event has one. */
  readonly pid?: number | undefined;
  /** Of `exit` and `delete`. */
  readonly exit?: ExitStatus | undefined;
}

interface Fields {
  readonly containerId: string;
  readonly id?: string;
  readonly execId?: string;
  readonly pid?: number;
  readonly exitStatus?: number;
  readonly exitedAt?: Timestamp | undefined;
}

const decoders: Readonly<Record<string, readonly [TaskEventKind, (bytes: Uint8Array) => Fields]>> = {
  TaskCreate: ["create", (bytes) => TaskCreate.decode(bytes)],
  TaskStart: ["start", (bytes) => TaskStart.decode(bytes)],
  TaskDelete: ["delete", (bytes) => TaskDelete.decode(bytes)],
  TaskExit: ["exit", (bytes) => TaskExit.decode(bytes)],
  TaskOOM: ["oom", (bytes) => TaskOOM.decode(bytes)],
  TaskExecAdded: ["exec-added", (bytes) => TaskExecAdded.decode(bytes)],
  TaskExecStarted: ["exec-started", (bytes) => TaskExecStarted.decode(bytes)],
  TaskPaused: ["paused", (bytes) => TaskPaused.decode(bytes)],
  TaskResumed: ["resumed", (bytes) => TaskResumed.decode(bytes)],
  TaskCheckpointed: ["checkpointed", (bytes) => TaskCheckpointed.decode(bytes)],
};

/** Decodes an event of a task; undefined for another type of event. SyntaxError for bytes that are not what they should be. */
export function decodeTaskEvent({ typeUrl, value }: PackedValue): TaskEvent | undefined {
  const name = /(?:^|\/)containerd\.events\.(\w+)$/.exec(typeUrl)?.[1] ?? "";
  const found = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (found === undefined) return undefined;
  const [kind, decode] = found;
  let fields: Fields;
  try {
    fields = decode(value);
  } catch (error) {
    throw new SyntaxError(`no event of type ${typeUrl}: ${messageOf(error)}`);
  }
  const { containerId, id, execId = id, pid, exitStatus, exitedAt } = fields;
  return {
    kind,
    containerId,
    // The first process goes by its container's id, or by none.
    execId: execId === "" || execId === containerId ? undefined : execId,
    pid,
    exit: exitStatus === undefined ? undefined : exitOf(exitStatus, exitedAt),
  };
}

function exitOf(code: number, exitedAt: Timestamp | undefined): ExitStatus {
  const millis = toMillis(exitedAt);
  return { code, exitedAt: millis ?? 0, exact: millis !== undefined };
}
