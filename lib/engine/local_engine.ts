import type { Clock } from "../base/clock.ts";
import type { CallOptions } from "../rpc/transport.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import { assertNamespace, isWholeId } from "../wire/identifier.ts";
import type { CheckpointTaskRequest, ExitStatus, StdioPaths } from "../wire/task.ts";
import { bundleOf } from "./bundle.ts";
import { Container, type ContainerContext } from "./container.ts";
import { ContainerMaking } from "./container_making.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import { isStored } from "./container_records.ts";
import { findContainer } from "./container_reference.ts";
import { finishContainer, type RemovalContext, removeContainer } from "./container_removal.ts";
import { ContainerTraces } from "./container_traces.ts";
import type {
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
} from "./engine.ts";
import { freeForStart } from "./free_for_start.ts";
import { ignoreMissing } from "./ignore_missing.ts";
import type { ContainerDocument } from "./inspect/document.ts";
import { lateAbort } from "./late_abort.ts";
import { listContainers } from "./list_containers.ts";
import type { Process } from "./process.ts";
import { labelRecordFile } from "./record_file.ts";
import { renameContainer } from "./rename_container.ts";
import type { RuncScope } from "./runc_state.ts";
import { findRunning, type RunningContainer } from "./running_container.ts";
import type { Runtime } from "./runtime.ts";
import type { UpdateOptions } from "./spec/update_resources.ts";
import type { StatsSample } from "./stats/sample.ts";
import { storedPlan } from "./stored_plan.ts";
import type { ExecRef, ExecRequest, KillRequest, ProcessRef, ProcessState, TerminalSize } from "./task_api.ts";

/** A call to a shim that is cut off leaves a container half made: it may end by itself for so long. */
const graceMs = 5000;

/** What a {@link LocalEngine} is made from. */
export interface LocalEngineOptions {
  /** Who stores and runs its containers; it is disposed with the engine. */
  readonly runtime: Runtime;
  readonly instance: InstancePaths;
  readonly clock: Clock;
}

/** Runs containers in this process, through containerd or on shims. */
export class LocalEngine implements Engine {
  readonly instance: InstancePaths;
  readonly #runtime: Runtime;
  readonly #context: ContainerContext;
  readonly #traces: ContainerTraces;
  readonly #making: ContainerMaking;

  constructor({ runtime, instance, clock }: LocalEngineOptions) {
    const { namespace, records, tasks } = runtime;
    assertNamespace(namespace);
    this.instance = instance;
    this.#runtime = runtime;
    this.#context = { records, tasks, clock, endShim: (id, signal) => runtime.endShim(id, signal) };
    this.#traces = new ContainerTraces(instance, { namespace, clock, exists: (id) => isStored(records, id) });
    const container = (id: string): Container => this.#container(id);
    this.#making = new ContainerMaking({ runtime, traces: this.#traces, clock, container });
  }

  get kind(): Runtime["kind"] {
    return this.#runtime.kind;
  }

  get address(): string {
    return this.#runtime.address;
  }

  get namespace(): string {
    return this.#runtime.namespace;
  }

  get runtimeRoot(): string {
    return this.#runtime.runtimeRoot;
  }

  prepare(id: string, options: PrepareOptions = {}): void {
    this.#making.prepare(id, options);
  }

  async unprepare(id: string): Promise<void> {
    await this.#making.unprepare(id);
  }

  async reserve(plan: ContainerPlan, options: ReserveOptions = {}): Promise<void> {
    await this.#making.reserve(plan, options);
  }

  async store(plan: ContainerPlan, options: VerbOptions = {}): Promise<void> {
    await this.#making.reach(plan.id, "record", () => this.#container(plan.id).store(plan, callOptions(options)));
  }

  async settle(id: string): Promise<void> {
    await this.#making.settle(id);
  }

  async load(id: string, options: VerbOptions = {}): Promise<ContainerPlan> {
    return storedPlan(await this.record(id, options), { instance: this.instance, namespace: this.namespace });
  }

  async revise(id: string, changes: ContainerChanges, options: VerbOptions = {}): Promise<void> {
    await this.#container(id).revise(changes, callOptions(options));
    const paths = containerPaths(this.instance, this.namespace, id);
    if (changes.labels !== undefined) await labelRecordFile(paths.recordFile, changes.labels);
  }

  async free({ id, name }: ContainerPlan, options: VerbOptions = {}): Promise<void> {
    await freeForStart(this.#container(id).task, name, callOptions(options));
  }

  async create(
    plan: ContainerPlan,
    stdio: StdioPaths,
    options: CreateOptions = {},
  ): Promise<{ readonly pid: number }> {
    const { id, rootfs, labels: { [labelKeys.ociRuntime]: ociRuntime } } = plan;
    const { signal, restore } = options;
    const { task } = this.#container(id);
    // Cut off in the middle, runc leaves control groups that nobody removes.
    using late = lateAbort(signal, { clock: this.#context.clock, graceMs });
    const call = callOptions({ ...options, ...late });
    const create = () =>
      this.#making.reach(id, "task", () => task.create({ rootfs, stdio, restore, ociRuntime }, call));
    const again = { ...options, name: plan.name };
    const { pid } = await (this.#making.isReserved(id) ? create() : this.#runtime.createAgain(task, create, again));
    this.#runtime.witnesses?.remember(id, bundleOf(pid));
    signal?.throwIfAborted();
    return { pid };
  }

  async exec(request: ExecRequest, options: VerbOptions = {}): Promise<void> {
    const { process: { containerId, execId }, ...what } = request;
    await this.#container(containerId).task.exec(execId, what, callOptions(options));
  }

  async deleteExec(process: ExecRef, options: VerbOptions = {}): Promise<void> {
    await ignoreMissing(this.#process(process).delete(callOptions(options)));
  }

  async start(process: ProcessRef, options: VerbOptions = {}): Promise<{ readonly pid: number }> {
    using late = lateAbort(options.signal, { clock: this.#context.clock, graceMs });
    const { pid } = await this.#process(process).start(callOptions({ ...options, ...late }));
    options.signal?.throwIfAborted();
    if (process.execId === undefined) await this.#making.settle(process.containerId);
    return { pid };
  }

  async abandon(plan: ContainerPlan): Promise<void> {
    await this.#making.abandon(plan);
    this.#runtime.witnesses?.forget(plan.id);
  }

  async wait(process: ProcessRef, options: WaitOptions = {}): Promise<ExitStatus> {
    const { signal, onOutage } = options;
    await using stack = new AsyncDisposableStack();
    const salvage = (of: ProcessRef) => this.#runtime.witnesses?.find(of, stack) ?? Promise.resolve(undefined);
    return await this.#process(process).wait({ signal, onOutage, salvage });
  }

  async kill(process: ProcessRef, request: KillRequest, options: VerbOptions = {}): Promise<void> {
    await this.#container(process.containerId).kill(process.execId, request, callOptions(options));
  }

  async state(process: ProcessRef, options: VerbOptions = {}): Promise<ProcessState> {
    return await this.#process(process).state(callOptions(options));
  }

  async pause(id: string, options: VerbOptions = {}): Promise<void> {
    await this.#container(id).pause(callOptions(options));
  }

  async resume(id: string, options: VerbOptions = {}): Promise<void> {
    await this.#container(id).resume(callOptions(options));
  }

  async pids(id: string, options: VerbOptions = {}): Promise<readonly number[]> {
    return await this.#container(id).task.pids(callOptions(options));
  }

  async sample(
    container: { readonly id: string; readonly pid: number },
    options: VerbOptions = {},
  ): Promise<StatsSample> {
    const { task } = this.#container(container.id);
    const { takeSample } = await import("./stats/take_sample.ts");
    return await takeSample(task, { ...callOptions(options), pid: container.pid, clock: this.#context.clock });
  }

  async update(id: string, limits: UpdateOptions, options: VerbOptions = {}): Promise<readonly string[]> {
    const { updateContainer } = await import("./update_container.ts");
    return await updateContainer(this.#container(id), limits, callOptions(options));
  }

  async rename(id: string, name: string, { signal }: VerbOptions = {}): Promise<void> {
    const paths = containerPaths(this.instance, this.namespace, id);
    await renameContainer(this.#container(id), name, { traces: this.#traces, paths, signal });
  }

  async checkpoint(id: string, request: CheckpointTaskRequest, options: VerbOptions = {}): Promise<void> {
    await this.#container(id).task.checkpoint(request, { ...callOptions(options), deadlineMs: Infinity });
  }

  async resizePty(process: ProcessRef, size: TerminalSize, options: VerbOptions = {}): Promise<void> {
    await this.#process(process).resizePty(size, callOptions(options));
  }

  async closeStdin(process: ProcessRef, options: VerbOptions = {}): Promise<void> {
    await this.#process(process).closeStdin(callOptions(options));
  }

  async finish(plan: ContainerPlan, options: FinishOptions = {}): Promise<void> {
    await finishContainer(this.#container(plan.id), plan, { ...options, ...this.#removal });
    this.#runtime.witnesses?.forget(plan.id);
  }

  async remove(id: string, options: RemoveOptions = {}): Promise<void> {
    await removeContainer(this.#container(id), { ...options, ...this.#removal });
  }

  async record(id: string, options: VerbOptions = {}): Promise<ContainerRecord> {
    return await this.#container(id).record(callOptions(options));
  }

  async running(id: string, options: VerbOptions = {}): Promise<RunningContainer> {
    return await findRunning(this.#container(id), { ...callOptions(options), ...this.#scope });
  }

  async inspect(id: string, options: VerbOptions = {}): Promise<ContainerDocument> {
    const paths = containerPaths(this.instance, this.namespace, id);
    // These are loaded when they are wanted: a run, which is what counts milliseconds, has no use for them.
    const { lookAt } = await import("./look_at.ts");
    return await lookAt(this.#container(id), { ...callOptions(options), ...this.#scope, paths, address: this.address });
  }

  async list(options: ListOptions = {}): Promise<readonly ContainerSummary[]> {
    const { clock } = this.#context;
    return await listContainers(this.#runtime, { ...callOptions(options), facts: options.facts, clock });
  }

  async resolve(reference: string, options: VerbOptions = {}): Promise<string> {
    if (isWholeId(reference)) return reference;
    const named = await this.#traces.lookup(reference);
    if (named !== undefined) return named;
    return await findContainer(reference, {
      namespace: this.namespace,
      find: (text) => this.#runtime.records.find(text, callOptions(options)),
    });
  }

  async version(options: VerbOptions = {}): Promise<string> {
    return await this.#runtime.version(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime[Symbol.asyncDispose]();
  }

  get #removal(): RemovalContext {
    return { runtime: this.#runtime, traces: this.#traces, clock: this.#context.clock };
  }

  get #scope(): RuncScope {
    const { namespace, runtimeRoot } = this.#runtime;
    return { namespace, runtimeRoot };
  }

  #container(id: string): Container {
    return new Container(id, this.#context);
  }

  #process({ containerId, execId }: ProcessRef): Process {
    const { task } = this.#container(containerId);
    return execId === undefined ? task : task.process(execId);
  }
}

function callOptions({ signal, patient }: VerbOptions): CallOptions {
  return { signal, waitForReady: patient };
}
