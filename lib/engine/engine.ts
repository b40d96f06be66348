import type { GantryError } from "../base/errors.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import type { Spec } from "../wire/oci.ts";
import type { CheckpointTaskRequest, ExitStatus, StdioPaths, TaskStatus } from "../wire/task.ts";
import type { InstancePaths } from "./container_paths.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { FilterFacts } from "./filter_matching.ts";
import type { ContainerDocument } from "./inspect/document.ts";
import type { RunningContainer } from "./running_container.ts";
import type { UpdateOptions } from "./spec/update_resources.ts";
import type { StatsSample } from "./stats/sample.ts";
import type {
  ExecRef,
  ExecRequest,
  KillRequest,
  ProcessRef,
  ProcessState,
  RestoreDirectories,
  TerminalSize,
} from "./task_api.ts";

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

/** Options of {@link Engine.prepare}. */
export interface PrepareOptions {
  /** Absolute path of the OCI runtime's program that the plan will have; default the shim's own. */
  readonly ociRuntime?: string | undefined;
}

/** Options of {@link Engine.reserve}. */
export interface ReserveOptions extends VerbOptions {
  /** It will be created next: what that takes may begin meanwhile. Default false. */
  readonly isToStart?: boolean | undefined;
}

/** Options of {@link Engine.create}. */
export interface CreateOptions extends VerbOptions {
  /** Goes on from a checkpoint when it is started; default a fresh start. */
  readonly restore?: RestoreDirectories | undefined;
}

/** What {@link Engine.revise} changes. */
export interface ContainerChanges {
  /** Default: the spec stays. */
  readonly spec?: Spec | undefined;
  /** Those that are not named stay. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@link Engine.finish}. */
export interface FinishOptions extends VerbOptions {
  /**
   * Starts a child of this process that goes on to `remove` the container by force, and resolves to its pid. The container
   * is then gone for all who ask, and the rest is done behind this process. Default: all is done when this resolves.
   */
  readonly heir?: (() => Promise<number>) | undefined;
}

/** Options of {@link Engine.remove}. */
export interface RemoveOptions extends VerbOptions {
  /** Kills what runs; without it a running container is `failed_precondition`. */
  readonly force?: boolean | undefined;
}

/** Options of {@link Engine.list}. */
export interface ListOptions extends VerbOptions {
  /** Looks into the specs too, for filters that need it. Default false. */
  readonly facts?: boolean | undefined;
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
  /** What only its spec tells; there when {@link ListOptions.facts} was asked for. */
  readonly facts?: FilterFacts | undefined;
}

/** What the command line needs of whoever runs containers: in this process, or (later) in the daemon. */
export interface Engine extends AsyncDisposable {
  /** How it gets to containers. */
  readonly kind: "containerd" | "shim";
  /** containerd's socket; of shims, the directory of the bundles. */
  readonly address: string;
  /** containerd's namespace. */
  readonly namespace: string;
  /** Where the OCI runtime keeps its state, without the namespace. */
  readonly runtimeRoot: string;
  /** Directories of the gantry instance. */
  readonly instance: InstancePaths;
  /**
   * Begins what a container of this id will need, before it is even planned: with shims, one is started. Whoever calls it
   * goes on to reserve it to be started, or calls {@link unprepare}. What fails is told by `create`.
   */
  prepare(id: string, options?: PrepareOptions): void;
  /** Takes back what {@link prepare} began, unless the container has been reserved since. */
  unprepare(id: string): Promise<void>;
  /**
   * Takes the container's name and makes its directories, before anything else of it is made. From here until `start` it
   * belongs to this process: should that die, whoever reserves next clears it away. `already_exists` for a taken name.
   */
  reserve(plan: ContainerPlan, options?: ReserveOptions): Promise<void>;
  /** Stores a reserved container. When that fails the caller is to `abandon` it. */
  store(plan: ContainerPlan, options?: VerbOptions): Promise<void>;
  /** A container that was stored without being started belongs to nobody from here on. */
  settle(id: string): Promise<void>;
  /** What a stored container was planned as. */
  load(id: string, options?: VerbOptions): Promise<ContainerPlan>;
  /** Replaces the spec of a stored container, for its next start, or sets labels of it; what is not given stays. */
  revise(id: string, changes: ContainerChanges, options?: VerbOptions): Promise<void>;
  /** Frees what ended of a stored container. `failed_precondition` when it runs. */
  free(plan: ContainerPlan, options?: VerbOptions): Promise<void>;
  /**
   * Makes the task of a stored container. When that fails the caller is to `abandon` it. One that ended before is freed
   * first; one that runs is `failed_precondition`.
   */
  create(plan: ContainerPlan, stdio: StdioPaths, options?: CreateOptions): Promise<{ readonly pid: number }>;
  /** Makes a further process in a running container. When that or its start fails the caller is to `deleteExec` it. */
  exec(request: ExecRequest, options?: VerbOptions): Promise<void>;
  /** Frees an exec that has ended; one that is not there is no error. */
  deleteExec(process: ExecRef, options?: VerbOptions): Promise<void>;
  /** Runs what was created. When that fails the caller is to `abandon` it. Resolves to its pid on the host. */
  start(process: ProcessRef, options?: VerbOptions): Promise<{ readonly pid: number }>;
  /**
   * Takes back what this engine reserved, stored, created or started of a container, as far as that went: of one that was
   * stored before, only its task. Never fails: what a runtime that is away keeps is cleared away by whoever reserves next.
   */
  abandon(plan: ContainerPlan): Promise<void>;
  /** Resolves when the process ends, across restarts of the runtime. The call is on the wire before this returns. */
  wait(process: ProcessRef, options?: WaitOptions): Promise<ExitStatus>;
  /** Signals a process. */
  kill(process: ProcessRef, request: KillRequest, options?: VerbOptions): Promise<void>;
  /** What a process is doing. */
  state(process: ProcessRef, options?: VerbOptions): Promise<ProcessState>;
  /** Freezes a container. */
  pause(id: string, options?: VerbOptions): Promise<void>;
  /** Lets a frozen container go on. */
  resume(id: string, options?: VerbOptions): Promise<void>;
  /** Pids on the host of all processes of a container. */
  pids(id: string, options?: VerbOptions): Promise<readonly number[]>;
  /** What a running container has used so far. `deadline_exceeded` when its shim does not answer within two seconds. */
  sample(container: { readonly id: string; readonly pid: number }, options?: VerbOptions): Promise<StatsSample>;
  /** Sets limits, of what runs and of the next start. Resolves to what could not be done as asked, a sentence each. */
  update(id: string, limits: UpdateOptions, options?: VerbOptions): Promise<readonly string[]>;
  /** Gives a container another name; `already_exists` for a taken one. */
  rename(id: string, name: string, options?: VerbOptions): Promise<void>;
  /** Has CRIU write a running container to a directory. */
  checkpoint(id: string, request: CheckpointTaskRequest, options?: VerbOptions): Promise<void>;
  /** Tells a terminal its size. */
  resizePty(process: ProcessRef, size: TerminalSize, options?: VerbOptions): Promise<void>;
  /** Says that no more stdin comes. */
  closeStdin(process: ProcessRef, options?: VerbOptions): Promise<void>;
  /** Frees a container whose task has ended, with everything gantry keeps of it. */
  finish(plan: ContainerPlan, options?: FinishOptions): Promise<void>;
  /** Removes a container by id, whatever state it is in. `not_found` when there is none. */
  remove(id: string, options?: RemoveOptions): Promise<void>;
  /** What is stored of a container. */
  record(id: string, options?: VerbOptions): Promise<ContainerRecord>;
  /** What runs of a container, without an RPC where that can be; `failed_precondition` when it does not run. */
  running(id: string, options?: VerbOptions): Promise<RunningContainer>;
  /** All about a container, as `docker inspect` shapes it. */
  inspect(id: string, options?: VerbOptions): Promise<ContainerDocument>;
  /** All containers of the namespace. One whose shim does not answer within two seconds has the status `unknown`. */
  list(options?: ListOptions): Promise<readonly ContainerSummary[]>;
  /**
   * The id behind a name, an id, or a unique prefix of one. `not_found`; `invalid_argument` when several match. A whole id
   * and a name of this instance are not asked for: whatever is done with them says that there is no such container.
   */
  resolve(reference: string, options?: VerbOptions): Promise<string>;
  /** Version of the runtime. */
  version(options?: VerbOptions): Promise<string>;
}
