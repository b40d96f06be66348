import type { CallOptions } from "../rpc/transport.ts";
import type { MetricReading } from "../wire/metrics.ts";
import type { Process as ProcessSpec } from "../wire/oci.ts";
import type { Resources } from "../wire/oci_resources.ts";
import type { CheckpointTaskRequest, ExitStatus, RootfsMount, StdioPaths, TaskStatus } from "../wire/task.ts";

/** Names a process: a container's task, or an exec in it. */
export interface ProcessRef {
  /** The container's id. */
  readonly containerId: string;
  /** The exec's id; undefined for the task itself. */
  readonly execId?: string | undefined;
}

/** Names an exec. */
export interface ExecRef extends ProcessRef {
  /** The exec's id. */
  readonly execId: string;
}

/** What a task is made from. */
export interface CreateTaskRequest {
  readonly containerId: string;
  /** Mounts that make the root filesystem; empty when the spec's root.path is used as it is. */
  readonly rootfs: readonly RootfsMount[];
  readonly stdio: StdioPaths;
  /** Goes on from a checkpoint when it is started; undefined for a fresh start. Its pid is 0 until then. */
  readonly restore?: RestoreDirectories | undefined;
  /** Program of the OCI runtime, as the record has it; default the shim's own. */
  readonly ociRuntime?: string | undefined;
}

/** Where CRIU finds a checkpoint and leaves its log. Absolute paths of directories. */
export interface RestoreDirectories {
  /** The images. */
  readonly images: string;
  /** Logs and statistics; default the bundle. */
  readonly work?: string | undefined;
}

/** What an exec is made from. */
export interface ExecRequest {
  /** What it is to be called, and where it runs. */
  readonly process: ExecRef;
  /** What runs, and as whom. */
  readonly spec: ProcessSpec;
  /** Where its streams are. */
  readonly stdio: StdioPaths;
}

/** A process as the runtime sees it. */
export interface ProcessState extends ProcessRef {
  /** Pid on the host; 0 before it runs. */
  readonly pid: number;
  /** What it is doing. */
  readonly status: TaskStatus;
  /** Where its streams are. */
  readonly stdio: StdioPaths;
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
  /** Makes a further process in a running task; it does not run yet. */
  exec(request: ExecRequest, options?: CallOptions): Promise<void>;
  /** Runs what was created. */
  start(process: ProcessRef, options?: CallOptions): Promise<{ readonly pid: number }>;
  state(process: ProcessRef, options?: CallOptions): Promise<ProcessState>;
  /** All tasks of the namespace. */
  list(options?: CallOptions): Promise<readonly ProcessState[]>;
  /** Resolves when the process ends; at once when it has. Has no deadline unless one is given. */
  wait(process: ProcessRef, options?: CallOptions): Promise<ExitStatus>;
  kill(process: ProcessRef, request: KillRequest, options?: CallOptions): Promise<void>;
  /** Freezes all processes of a task. */
  pause(containerId: string, options?: CallOptions): Promise<void>;
  /** Lets a paused task go on. */
  resume(containerId: string, options?: CallOptions): Promise<void>;
  /** Pids on the host of all processes of a task, execs included. */
  pids(containerId: string, options?: CallOptions): Promise<readonly number[]>;
  /** What a task has used. A shim that hangs makes this hang: give it a deadline. */
  metrics(containerId: string, options?: CallOptions): Promise<MetricReading>;
  /** Sets limits of a running task; what is undefined stays. */
  update(containerId: string, resources: Resources, options?: CallOptions): Promise<void>;
  /** Has CRIU write a task to a directory. */
  checkpoint(containerId: string, request: CheckpointTaskRequest, options?: CallOptions): Promise<void>;
  resizePty(process: ProcessRef, size: TerminalSize, options?: CallOptions): Promise<void>;
  /** Tells the runtime that no more stdin comes; the process then reads EOF. */
  closeStdin(process: ProcessRef, options?: CallOptions): Promise<void>;
  /** Frees an ended process. */
  delete(process: ProcessRef, options?: CallOptions): Promise<ExitStatus>;
}
