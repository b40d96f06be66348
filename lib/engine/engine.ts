import type { GantryError } from "../base/errors.ts";
import type { ExitStatus, StdioPaths, TaskStatus } from "../wire/task.ts";
import type { InstancePaths } from "./container_paths.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { KillRequest, ProcessRef, TerminalSize } from "./task_api.ts";

/** Options of every verb. */
export interface VerbOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
  /** Waits for a runtime that is away, up to the call's own deadline, instead of failing. Default false. */
  readonly patient?: boolean | undefined;
}

/** Options of {@link Engine.wait}. */
export interface WaitOptions extends VerbOptions {
  /** Called at the start of an outage of the runtime, through which the container goes on. */
  readonly onOutage?: ((cause: GantryError) => void) | undefined;
}

/** Options of {@link Engine.remove}. */
export interface RemoveOptions extends VerbOptions {
  /** Kills what runs; without it a running container is `failed_precondition`. */
  readonly force?: boolean | undefined;
}

/** A container as `ps` shows it. */
export interface ContainerSummary {
  /** 64 hex digits, or what another client chose. */
  readonly id: string;
  /** Its name; empty when another client made it without one. */
  readonly name: string;
  /** Image reference, or the directory it was made from. */
  readonly image: string;
  /** argv. */
  readonly command: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** All labels, ours (`gantry/…`) included. */
  readonly labels: Readonly<Record<string, string>>;
  /** `none` when there is a record but no task. */
  readonly status: TaskStatus | "none";
  /** Pid on the host; 0 without a task. */
  readonly pid: number;
  /** When its process started, milliseconds since 1970; undefined when it does not run. */
  readonly startedAt?: number | undefined;
  /** How it ended; undefined while it runs. */
  readonly exit?: ExitStatus | undefined;
}

/** What the command line needs of whoever runs containers: in this process, or (later) in the daemon. */
export interface Engine extends AsyncDisposable {
  /** How it gets to containers. */
  readonly kind: "containerd";
  /** Socket it talks to. */
  readonly address: string;
  /** containerd's namespace. */
  readonly namespace: string;
  /** Directories of the gantry instance. */
  readonly instance: InstancePaths;
  /**
   * Takes the container's name and makes its directories, before anything else of it is made. From here until `start` it
   * belongs to this process: should that die, whoever reserves next clears it away. `already_exists` for a taken name.
   */
  reserve(plan: ContainerPlan, options?: VerbOptions): Promise<void>;
  /** Stores a reserved container and makes its task. When that fails the caller is to `abandon` it. */
  create(plan: ContainerPlan, stdio: StdioPaths, options?: VerbOptions): Promise<{ readonly pid: number }>;
  /** Runs what was created. When that fails the caller is to `abandon` it. */
  start(process: ProcessRef, options?: VerbOptions): Promise<void>;
  /**
   * Takes back a container that was reserved, created or started, as far as that went. Never fails: what a runtime that is
   * away keeps is cleared away by whoever reserves next.
   */
  abandon(plan: ContainerPlan): Promise<void>;
  /** Resolves when the process ends, across restarts of the runtime. The call is on the wire before this returns. */
  wait(process: ProcessRef, options?: WaitOptions): Promise<ExitStatus>;
  /** Signals a process. */
  kill(process: ProcessRef, request: KillRequest, options?: VerbOptions): Promise<void>;
  /** Tells a terminal its size. */
  resizePty(process: ProcessRef, size: TerminalSize, options?: VerbOptions): Promise<void>;
  /** Says that no more stdin comes. */
  closeStdin(process: ProcessRef, options?: VerbOptions): Promise<void>;
  /** Frees a container whose task has ended, with everything gantry keeps of it. */
  finish(plan: ContainerPlan, options?: VerbOptions): Promise<void>;
  /** Removes a container by id, whatever state it is in. `not_found` when there is none. */
  remove(id: string, options?: RemoveOptions): Promise<void>;
  /** All containers of the namespace. */
  list(options?: VerbOptions): Promise<readonly ContainerSummary[]>;
  /** The id behind a name, an id, or a unique prefix of one. `not_found`; `invalid_argument` when several match. */
  resolve(reference: string, options?: VerbOptions): Promise<string>;
  /** Version of the runtime. */
  version(options?: VerbOptions): Promise<string>;
}
