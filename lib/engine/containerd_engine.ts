import { type Clock, systemClock } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { ContainerdContainers, type ContainerRecord } from "../containerd/containers.ts";
import { ContainerdTasks } from "../containerd/tasks.ts";
import { getVersion } from "../containerd/version.ts";
import type { CallOptions, Transport } from "../rpc/transport.ts";
import { assertNamespace, isWholeId } from "../wire/identifier.ts";
import type { CheckpointTaskRequest, ExitStatus, StdioPaths } from "../wire/task.ts";
import { bundleOf } from "./bundle.ts";
import { Container, type ContainerContext } from "./container.ts";
import { ContainerMaking } from "./container_making.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import type { ContainerPlan } from "./container_plan.ts";
import { findContainer } from "./container_reference.ts";
import { finishContainer, type RemovalContext, removeContainer } from "./container_removal.ts";
import { summarize } from "./container_summary.ts";
import { ContainerTraces } from "./container_traces.ts";
import type {
  ContainerChanges,
  ContainerSummary,
  CreateOptions,
  Engine,
  ListOptions,
  RemoveOptions,
  VerbOptions,
  WaitOptions,
} from "./engine.ts";
import { createAgain } from "./create_again.ts";
import { filterFacts } from "./filter_matching.ts";
import { freeForStart } from "./free_for_start.ts";
import { endHungShim } from "./hung_shim.ts";
import { ignoreMissing } from "./ignore_missing.ts";
import type { ContainerDocument } from "./inspect/document.ts";
import { lateAbort } from "./late_abort.ts";
import { listTasks } from "./list_tasks.ts";
import { lookAt } from "./look_at.ts";
import type { Process } from "./process.ts";
import { labelRecordFile } from "./record_file.ts";
import { renameContainer } from "./rename_container.ts";
import { findRunning, type RunningContainer } from "./running_container.ts";
import type { UpdateOptions } from "./spec/update_resources.ts";
import type { StatsSample } from "./stats/sample.ts";
import { takeSample } from "./stats/take_sample.ts";
import { storedPlan } from "./stored_plan.ts";
import type { ExecRef, ExecRequest, KillRequest, ProcessRef, ProcessState, TerminalSize } from "./task_api.ts";
import { updateContainer } from "./update_container.ts";
import { ShimWitnesses } from "./shim_witnesses.ts";

/** A call to a shim that is cut off leaves a container half made: it may end by itself for so long. */
const graceMs = 5000;

/** What a {@link ContainerdEngine} is made from. */
export interface ContainerdEngineOptions {
  readonly transport: Transport;
  readonly address: string;
  readonly namespace: string;
  readonly instance: InstancePaths;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** Runs containers through containerd's gRPC API, in this process. */
export class ContainerdEngine implements Engine {
  readonly kind = "containerd";
  readonly address: string;
  readonly namespace: string;
  readonly instance: InstancePaths;
  readonly #transport: Transport;
  readonly #containers: ContainerdContainers;
  readonly #context: ContainerContext;
  readonly #traces: ContainerTraces;
  readonly #making: ContainerMaking;
  readonly #witnesses: ShimWitnesses;

  constructor(options: ContainerdEngineOptions) {
    const { transport, address, namespace, instance, clock = systemClock } = options;
    assertNamespace(namespace);
    this.address = address;
    this.namespace = namespace;
    this.instance = instance;
    this.#transport = transport;
    this.#containers = new ContainerdContainers(transport, namespace);
    this.#context = {
      records: this.#containers,
      tasks: new ContainerdTasks(transport, namespace),
      clock,
      endShim: (id, signal) => endHungShim(id, { namespace, address, clock, signal }),
    };
    this.#traces = new ContainerTraces(instance, { namespace, clock, exists: (id) => this.#exists(id) });
    const container = (id: string): Container => this.#container(id);
    this.#making = new ContainerMaking({ address, namespace, traces: this.#traces, clock, container });
    this.#witnesses = new ShimWitnesses(namespace);
  }

  async reserve(plan: ContainerPlan, { signal }: VerbOptions = {}): Promise<void> {
    await this.#making.reserve(plan, signal);
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
    const { id, rootfs } = plan;
    const { signal, restore } = options;
    const { task } = this.#container(id);
    // Cut off in the middle, runc leaves control groups that nobody removes.
    using late = lateAbort(signal, { clock: this.#context.clock, graceMs });
    const call = callOptions({ ...options, ...late });
    const create = () => this.#making.reach(id, "task", () => task.create({ rootfs, stdio, restore }, call));
    const again = { ...callOptions(options), ...this.#removal, name: plan.name };
    const { pid } = await (this.#making.isReserved(id) ? create() : createAgain(task, create, again));
    this.#witnesses.remember(id, bundleOf(pid));
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
    this.#witnesses.forget(plan.id);
  }

  async wait(process: ProcessRef, options: WaitOptions = {}): Promise<ExitStatus> {
    const { signal, onOutage } = options;
    await using witnesses = new AsyncDisposableStack();
    const salvage = (of: ProcessRef) => this.#witnesses.find(of, witnesses);
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
    return await takeSample(task, { ...callOptions(options), pid: container.pid, clock: this.#context.clock });
  }

  async update(id: string, limits: UpdateOptions, options: VerbOptions = {}): Promise<readonly string[]> {
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

  async finish(plan: ContainerPlan, { signal }: VerbOptions = {}): Promise<void> {
    await finishContainer(this.#container(plan.id), plan, { ...this.#removal, signal });
    this.#witnesses.forget(plan.id);
  }

  async remove(id: string, options: RemoveOptions = {}): Promise<void> {
    await removeContainer(this.#container(id), { ...options, ...this.#removal });
  }

  async record(id: string, options: VerbOptions = {}): Promise<ContainerRecord> {
    return await this.#container(id).record(callOptions(options));
  }

  async running(id: string, options: VerbOptions = {}): Promise<RunningContainer> {
    return await findRunning(this.#container(id), { ...callOptions(options), namespace: this.namespace });
  }

  async inspect(id: string, options: VerbOptions = {}): Promise<ContainerDocument> {
    const paths = containerPaths(this.instance, this.namespace, id);
    const { namespace, address } = this;
    return await lookAt(this.#container(id), { ...callOptions(options), paths, namespace, address });
  }

  async list(options: ListOptions = {}): Promise<readonly ContainerSummary[]> {
    const { clock, tasks } = this.#context;
    const call = callOptions(options);
    const stored = this.#containers.list([], call);
    stored.catch(() => {});
    const ids = async (): Promise<readonly string[]> => (await stored).map(({ id }) => id);
    const states = await listTasks(tasks, { ...call, clock, ids });
    const byId = new Map(states.map((state) => [state.containerId, state]));
    const summaries = (await stored).map((record) => ({
      ...summarize(record, byId.get(record.id)),
      ...(options.facts === true ? { facts: filterFacts(record) } : {}),
    }));
    return summaries.sort((a, b) => b.createdAt - a.createdAt);
  }

  async resolve(reference: string, options: VerbOptions = {}): Promise<string> {
    if (isWholeId(reference)) return reference;
    const named = await this.#traces.lookup(reference);
    if (named !== undefined) return named;
    return await findContainer(reference, {
      namespace: this.namespace,
      list: (filters) => this.#containers.list(filters, callOptions(options)),
    });
  }

  async version(options: VerbOptions = {}): Promise<string> {
    return (await getVersion(this.#transport, callOptions(options))).version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  get #removal(): RemovalContext {
    return { address: this.address, namespace: this.namespace, traces: this.#traces, clock: this.#context.clock };
  }

  #container(id: string): Container {
    return new Container(id, this.#context);
  }

  #process({ containerId, execId }: ProcessRef): Process {
    const { task } = this.#container(containerId);
    return execId === undefined ? task : task.process(execId);
  }

  async #exists(id: string): Promise<boolean> {
    try {
      await this.#containers.get(id);
      return true;
    } catch (error) {
      if (isCode(error, "not_found")) return false;
      throw error;
    }
  }
}

function callOptions({ signal, patient }: VerbOptions): CallOptions {
  return { signal, waitForReady: patient };
}
