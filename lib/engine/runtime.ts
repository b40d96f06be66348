import type { ContainerRecords } from "./container_records.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { PrepareOptions, VerbOptions } from "./engine.ts";
import type { RuncScope, RuncState } from "./runc_state.ts";
import type { ShimWitnesses } from "./shim_witnesses.ts";
import type { Task } from "./task.ts";
import type { TaskApi } from "./task_api.ts";

/** Options of {@link Runtime.createAgain}. */
export interface CreateAgainOptions extends VerbOptions {
  /** What the container is called in messages. */
  readonly name: string;
}

/** Options of {@link Runtime.removeResidue}. */
export interface RemoveResidueOptions {
  readonly signal?: AbortSignal | undefined;
  /** runc's state as it was before the task was ended; default what it is now. */
  readonly state?: RuncState | undefined;
}

/**
 * Who stores and runs the containers of one namespace: containerd, or files of ours and shims spoken to directly. The engine
 * is written once against this. Disposing lets go of connections; containers go on.
 */
export interface Runtime extends RuncScope, AsyncDisposable {
  readonly kind: "containerd" | "shim";
  /** containerd's socket; of shims, the directory of the bundles. */
  readonly address: string;
  readonly records: ContainerRecords;
  readonly tasks: TaskApi;
  /** Who else sees containers end while the runtime is away; undefined for one that is never away. */
  readonly witnesses?: ShimWitnesses | undefined;
  /** Version of containerd, or of the shim. */
  version(options?: VerbOptions): Promise<string>;
  /**
   * Begins what `tasks.create` of a container needs, before there is a plan of it: {@link planned} gives that. Its failure
   * is told by create. Doing it twice does no harm.
   */
  prepare?(id: string, options: PrepareOptions): void;
  /** The plan of a container that has been prepared. */
  planned?(plan: ContainerPlan): void;
  /** Takes back what {@link prepare} began and no create used. */
  unprepare?(id: string): Promise<void>;
  /** Makes a new task of a stored container: what ended, or was left of a create that was cut off, is freed first. */
  createAgain<T>(task: Task, create: () => Promise<T>, options: CreateAgainOptions): Promise<T>;
  /** Ends the shim of a task that hangs, and with it the container. False when it has none that can be found. */
  endShim(id: string, signal: AbortSignal): Promise<boolean>;
  /** Removes what nobody knows of any more, of a container without task and record. True when there was something. */
  removeResidue(id: string, options?: RemoveResidueOptions): Promise<boolean>;
  /** Removes what shims of an ended task leave behind. */
  sweep(id: string): Promise<void>;
}
