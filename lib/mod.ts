/**
 * gantry as a library: what the command line is made of.
 *
 * ```ts
 * import { connectContainerd, planContainer, runForeground } from "gantry";
 *
 * await using engine = await connectContainerd({ address: "/run/gantry/containerd.sock" });
 * const plan = await planContainer(
 *   { rootfs: { path: "/srv/rootfs", overlay: true }, command: ["/bin/echo", "hello"] },
 *   { instance: engine.instance, namespace: engine.namespace, autoRemove: true },
 * );
 * const end = await runForeground(engine, plan, { stdout: Deno.stdout, stderr: Deno.stderr });
 * ```
 *
 * @module
 */
export { type ErrorCode, type ErrorDetails, GantryError, isCode } from "./base/errors.ts";
export type { Clock, SleepOptions } from "./base/clock.ts";
export { type LogFields, type LogLevel, type LogWriter, setLogWriter } from "./base/log.ts";

export type { CheckpointTaskRequest, ExitStatus, RootfsMount, StdioPaths, TaskStatus } from "./wire/task.ts";
export type { PackedValue } from "./wire/any.ts";
export type * from "./wire/oci.ts";
export type * from "./wire/oci_resources.ts";

export {
  connectContainerd,
  type ConnectOptions,
  connectShims,
  type ConnectShimsOptions,
  defaultInstance,
} from "./engine/connect.ts";
export type {
  ContainerOptions,
  DeviceOption,
  HostEntry,
  MountOption,
  RootfsOption,
  UlimitOption,
} from "./engine/container_options.ts";
export type { ContainerRecord } from "./wire/container_record.ts";
export type { ContainerFile } from "./engine/spec/network_files.ts";
export type { ContainerPlan } from "./engine/container_plan.ts";
export type {
  ContainerChanges,
  ContainerSummary,
  CreateOptions,
  Engine,
  FinishOptions,
  ListOptions,
  PrepareOptions,
  RemoveOptions,
  ReserveOptions,
  VerbOptions,
  WaitOptions,
} from "./engine/engine.ts";
export type { ContainerPaths, InstancePaths } from "./engine/container_paths.ts";
export { type ContainerRequest, planContainer, type PlanContext } from "./engine/plan.ts";
export type { ForegroundEnd, ForegroundHandle, ForegroundOptions, ForegroundStreams } from "./engine/attend_process.ts";
export { runForeground, startForeground } from "./engine/run.ts";
export type { MakeSteps } from "./engine/make_and_start.ts";
export { startDetached, startStored, wouldOverwriteLog } from "./engine/start_stored.ts";
export { type Attachable, attachContainer, findAttachable } from "./engine/attach.ts";
export type { OutputFiles } from "./engine/output_files.ts";
export { type DetachedOptions, runDetached } from "./engine/run_detached.ts";
export { runExec, runExecDetached, type RunExecOptions } from "./engine/run_exec.ts";
export type { ExecMakingOptions, ExecRunRequest } from "./engine/exec_making.ts";
export type { ExecOptions } from "./engine/spec/exec_process.ts";
export { stopContainer, type StopOptions, type StoppingVerbs } from "./engine/stop_container.ts";
export {
  type WaitCondition,
  type WaitConditionOptions,
  waitConditions,
  waitForCondition,
  type WaitingVerbs,
} from "./engine/wait_condition.ts";
export type { ByteSink, ByteSource } from "./engine/copy.ts";
export type {
  ExecRef,
  ExecRequest,
  KillRequest,
  ProcessRef,
  ProcessState,
  RestoreDirectories,
  TerminalSize,
} from "./engine/task_api.ts";
export type { RunningContainer } from "./engine/running_container.ts";
export type { FilterFacts } from "./engine/filter_matching.ts";
export type * from "./engine/inspect/config_document.ts";
export type * from "./engine/inspect/document.ts";
export type * from "./engine/inspect/host_config_document.ts";
export type { UpdateOptions } from "./engine/spec/update_resources.ts";
export type { StatsSample } from "./engine/stats/sample.ts";
export type { NetworkCounters } from "./engine/stats/network.ts";
export type * from "./wire/container_metrics.ts";

export {
  type BrokenCheckpoint,
  type CheckpointFacts,
  type CheckpointList,
  type CheckpointsOptions,
  type CheckpointStore,
  type NewCheckpoint,
  openCheckpoints,
} from "./engine/checkpoint/checkpoint_store.ts";
export type { CheckpointRef } from "./engine/checkpoint/checkpoint_name.ts";
export type { CheckpointPaths } from "./engine/checkpoint/checkpoint_paths.ts";
export type { CheckpointRecord, CheckpointRootfs } from "./engine/checkpoint/checkpoint_record.ts";
export type { CriuOptions } from "./engine/checkpoint/checkpoint_options.ts";
export type { DumpStats, RestoreStats } from "./engine/checkpoint/criu_stats.ts";
export { type StoredCheckpoint } from "./engine/checkpoint/export_checkpoint.ts";
export {
  type CheckpointVerbs,
  takeCheckpoint,
  type TakeCheckpointOptions,
} from "./engine/checkpoint/take_checkpoint.ts";
export {
  restoreAsNew,
  type RestoreAsNewOptions,
  type Restored,
  restoreInPlace,
  type RestoreOptions,
} from "./engine/checkpoint/restore_checkpoint.ts";
