import type { CallOptions } from "../rpc/transport.ts";
import type { ExitStatus, RootfsMount, StdioPaths, TaskStatus } from "../wire/task.ts";

/** Names a process: a container's task, or an exec in it. */
export interface ProcessRef {
  /** The container's id. */
  readonly containerId: string;
  /** The exec's id; undefined for the task itself. */
  readonly execId?: string | undefined;
}

/** What a task is made from. */
export interface CreateTaskRequest {
  readonly containerId: string;
  /** Mounts that make the root filesystem; empty when the spec's root.path is used as it is. */
  readonly rootfs: readonly RootfsMount[];
  readonly stdio: StdioPaths;
}

/** A process as the runtime sees it. */
export interface ProcessState extends ProcessRef {
  readonly pid: number;
  readonly status: TaskStatus;
  /** How it ended; undefined while it runs. */
  readonly exit?: ExitStatus | undefined;
}

/** Which signal goes where. */
export interface KillRequest {
  /** Signal number, 1–64. */
  readonly signal: number;
  /** Every process of the container; default only the process named. */
  readonly all?: boolean | undefined;
}

/** Size of a terminal in characters. */
export interface TerminalSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/**
 * Who runs tasks: containerd's Tasks service, or shims spoken to directly. Everything above is written once against this.
 * A process that is not there is `not_found`; one in the wrong state is `failed_precondition`.
 */
export interface TaskApi {
  /** Makes the task of a container; it does not run yet. */
  create(request: CreateTaskRequest, options?: CallOptions): Promise<{ readonly pid: number }>;
  /** Runs what was created. */
  start(process: ProcessRef, options?: CallOptions): Promise<{ readonly pid: number }>;
  state(process: ProcessRef, options?: CallOptions): Promise<ProcessState>;
  /** All tasks of the namespace. */
  list(options?: CallOptions): Promise<readonly ProcessState[]>;
  /** Resolves when the process ends; at once when it has. Has no deadline unless one is given. */
  wait(process: ProcessRef, options?: CallOptions): Promise<ExitStatus>;
  kill(process: ProcessRef, request: KillRequest, options?: CallOptions): Promise<void>;
  /** Lets a paused task go on. */
  resume(process: ProcessRef, options?: CallOptions): Promise<void>;
  resizePty(process: ProcessRef, size: TerminalSize, options?: CallOptions): Promise<void>;
  /** Tells the runtime that no more stdin comes; the process then reads EOF. */
  closeStdin(process: ProcessRef, options?: CallOptions): Promise<void>;
  /** Frees an ended process. */
  delete(process: ProcessRef, options?: CallOptions): Promise<ExitStatus>;
}
