import { type Clock, deadline, systemClock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { ContainerdContainers } from "../containerd/containers.ts";
import { ContainerdTasks } from "../containerd/tasks.ts";
import { getVersion } from "../containerd/version.ts";
import { type CallOptions, isUnsent, type Transport } from "../rpc/transport.ts";
import { witnessExit } from "../shim/exit_witness.ts";
import { removeDeadShimSocket } from "../shim/shim_socket.ts";
import { packJson, typeUrls } from "../wire/any.ts";
import { assertId, assertNamespace } from "../wire/identifier.ts";
import type { ExitStatus, StdioPaths } from "../wire/task.ts";
import { bundleOf } from "./bundle.ts";
import type { InstancePaths } from "./container_paths.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import { findContainer } from "./container_reference.ts";
import { summarize } from "./container_summary.ts";
import { ContainerTraces } from "./container_traces.ts";
import type { ContainerSummary, Engine, RemoveOptions, VerbOptions, WaitOptions } from "./engine.ts";
import { forceDeleteTask } from "./force_delete.ts";
import { lateAbort } from "./late_abort.ts";
import { untilAnswered } from "./outage.ts";
import { removeResidue } from "./residue.ts";
import type { KillRequest, ProcessRef, TaskApi, TerminalSize } from "./task_api.ts";
import { waitThroughOutages, type Witness } from "./wait.ts";

const log = getLogger("engine");

/** How long undoing a failed create may take; it waits for containerd when that is what failed. */
const undoMs = 15_000;
/** How long clearing away what dead processes left may hold up somebody else's create. */
const clearMs = 2000;
/** How long the end of a container waits for a containerd that is away. */
const finishPatienceMs = 10_000;
/** A call to a shim that is cut off leaves a container half made: it may end by itself for so long. */
const graceMs = 5000;

/** How far the making of a container has gone at the runtime. */
type Stage = "record" | "task";

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
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #containers: ContainerdContainers;
  readonly #tasks: TaskApi;
  readonly #traces: ContainerTraces;
  readonly #stages = new Map<string, Stage>();
  /** Bundles of the containers made here, for asking their shims in an outage. */
  readonly #bundles = new Map<string, string | undefined>();

  constructor(options: ContainerdEngineOptions) {
    const { transport, address, namespace, instance, clock = systemClock } = options;
    assertNamespace(namespace);
    this.address = address;
    this.namespace = namespace;
    this.instance = instance;
    this.#clock = clock;
    this.#transport = transport;
    this.#containers = new ContainerdContainers(transport, namespace);
    this.#tasks = new ContainerdTasks(transport, namespace);
    this.#traces = new ContainerTraces(instance, { namespace, clock, exists: (id) => this.#exists(id) });
  }

  async reserve(plan: ContainerPlan, options: VerbOptions = {}): Promise<void> {
    assertId(plan.id);
    await this.#clearAbandoned(options.signal);
    options.signal?.throwIfAborted();
    await this.#traces.make(plan);
  }

  async create(plan: ContainerPlan, stdio: StdioPaths, options: VerbOptions = {}): Promise<{ readonly pid: number }> {
    const { id, labels, runtime } = plan;
    const record = { id, labels, runtime, spec: packJson(typeUrls.spec, plan.spec) };
    await this.#reach(id, "record", () => this.#containers.create(record, callOptions(options)));
    // Cut off in the middle, runc leaves control groups that nobody removes.
    using late = lateAbort(options.signal, { clock: this.#clock, graceMs });
    const request = { containerId: id, rootfs: plan.rootfs, stdio };
    const { pid } = await this.#reach(
      id,
      "task",
      () => this.#tasks.create(request, callOptions({ ...options, ...late })),
    );
    this.#bundles.set(id, bundleOf(pid));
    options.signal?.throwIfAborted();
    return { pid };
  }

  async start(process: ProcessRef, options: VerbOptions = {}): Promise<void> {
    using late = lateAbort(options.signal, { clock: this.#clock, graceMs });
    await this.#tasks.start(process, callOptions({ ...options, ...late }));
    options.signal?.throwIfAborted();
    if (process.execId !== undefined) return;
    this.#stages.delete(process.containerId);
    await this.#traces.settle(process.containerId);
  }

  async abandon(plan: ContainerPlan): Promise<void> {
    const { id, name } = plan;
    const stage = this.#stages.get(id);
    using limit = deadline(undoMs);
    const { signal } = limit;
    try {
      // Where a process may run, containerd's return is worth waiting for.
      const waitForReady = stage === "task";
      const options = { signal, waitForReady };
      const calls = { clock: this.#clock, signal, patienceMs: waitForReady ? undoMs : 0 };
      if (stage === "task") {
        await untilAnswered(() => forceDeleteTask(this.#tasks, id, { clock: this.#clock, ...options }), calls);
      }
      if (stage !== undefined) await untilAnswered(() => ignoreMissing(this.#containers.delete(id, options)), calls);
      await this.#traces.drop(id, name);
    } catch (error) {
      // The mark stays, by which it is found again once this process has gone.
      log.warning("a container that failed could not be taken back yet", { container: id, error });
    }
    this.#stages.delete(id);
    this.#bundles.delete(id);
  }

  async wait(process: ProcessRef, options: WaitOptions = {}): Promise<ExitStatus> {
    const { signal, onOutage } = options;
    await using witnesses = new AsyncDisposableStack();
    const salvage = async ({ containerId }: ProcessRef): Promise<Witness | undefined> => {
      const bundle = this.#bundles.get(containerId);
      if (bundle === undefined || process.execId !== undefined) return undefined;
      const witness = await witnessExit(bundle, { id: containerId, namespace: this.namespace });
      return witness === undefined ? undefined : witnesses.use(witness);
    };
    return await waitThroughOutages(this.#tasks, process, { clock: this.#clock, signal, onOutage, salvage });
  }

  async kill(process: ProcessRef, request: KillRequest, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.kill(process, request, callOptions(options));
  }

  async resizePty(process: ProcessRef, size: TerminalSize, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.resizePty(process, size, callOptions(options));
  }

  async closeStdin(process: ProcessRef, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.closeStdin(process, callOptions(options));
  }

  async finish(plan: ContainerPlan, options: VerbOptions = {}): Promise<void> {
    const { id, name } = plan;
    const { signal } = options;
    await this.#traces.begin(id);
    const calls = { clock: this.#clock, signal, patienceMs: finishPatienceMs };
    await untilAnswered(() => ignoreMissing(this.#tasks.delete({ containerId: id }, { signal })), calls);
    await untilAnswered(() => ignoreMissing(this.#containers.delete(id, { signal })), calls);
    await removeDeadShimSocket({ address: this.address, namespace: this.namespace, id });
    await this.#traces.drop(id, name);
    this.#bundles.delete(id);
  }

  async remove(id: string, options: RemoveOptions = {}): Promise<void> {
    assertId(id);
    const { force = false, signal } = options;
    const record = await this.#containers.get(id, { signal }).catch((error: unknown) => {
      // A task may be left without its record; force is there to end such a thing too.
      if (force && isCode(error, "not_found")) return undefined;
      throw error;
    });
    if (!force) await this.#deleteEndedTask(id, signal);
    await this.#traces.begin(id);
    try {
      const hadTask = force && await forceDeleteTask(this.#tasks, id, { clock: this.#clock, signal });
      await ignoreMissing(this.#containers.delete(id, { signal }));
      await removeDeadShimSocket({ address: this.address, namespace: this.namespace, id });
      if (record === undefined) await this.#traces.clear(id);
      await this.#traces.drop(id, record?.labels[labelKeys.name]);
      if (record !== undefined || hadTask) return;
    } catch (error) {
      // Whoever asked is told: nobody else is to try it behind their back.
      await this.#traces.settle(id);
      throw error;
    }
    throw new GantryError("not_found", `no container ${id} in namespace ${this.namespace}`);
  }

  async list(options: VerbOptions = {}): Promise<readonly ContainerSummary[]> {
    const call = callOptions(options);
    const [records, tasks] = await Promise.all([this.#containers.list([], call), this.#tasks.list(call)]);
    const byId = new Map(tasks.map((task) => [task.containerId, task]));
    const summaries = records.map((record) => summarize(record, byId.get(record.id)));
    return summaries.sort((a, b) => b.createdAt - a.createdAt);
  }

  async resolve(reference: string, options: VerbOptions = {}): Promise<string> {
    const named = await this.#traces.lookup(reference);
    if (named !== undefined && await this.#exists(named, options)) return named;
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

  /** Makes the call that takes a container to `stage`, and notes that it may have got there unless it surely has not. */
  async #reach<T>(id: string, stage: Stage, call: () => Promise<T>): Promise<T> {
    const before = this.#stages.get(id);
    this.#stages.set(id, stage);
    try {
      return await call();
    } catch (error) {
      if (isUnsent(error)) {
        if (before === undefined) this.#stages.delete(id);
        else this.#stages.set(id, before);
      }
      throw error;
    }
  }

  /** Removes what processes that died left half made or half removed. It must not keep anybody from their own work. */
  async #clearAbandoned(signal: AbortSignal | undefined): Promise<void> {
    const ids = await this.#traces.abandoned();
    if (ids.length === 0) return;
    using limit = deadline(clearMs, signal);
    for (const id of ids) {
      try {
        await forceDeleteTask(this.#tasks, id, { clock: this.#clock, signal: limit.signal });
        await ignoreMissing(this.#containers.delete(id, { signal: limit.signal }));
        await removeDeadShimSocket({ address: this.address, namespace: this.namespace, id });
        await removeResidue(id, { namespace: this.namespace, clock: this.#clock, signal: limit.signal });
        await this.#traces.clear(id);
        log.info("cleared away a container whose maker died", { container: id });
      } catch (error) {
        log.debug("a container whose maker died cannot be cleared away yet", { container: id, error });
        if (limit.signal.aborted || isCode(error, "unavailable")) return;
      }
    }
  }

  async #deleteEndedTask(id: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await ignoreMissing(this.#tasks.delete({ containerId: id }, { signal }));
    } catch (error) {
      if (!isStillRunning(error)) throw error;
      throw new GantryError("failed_precondition", `container ${id} still runs`, {
        cause: error,
        hint: `stop it first, or remove it by force: gantry rm -f ${id.slice(0, 12)}`,
      });
    }
  }

  async #exists(id: string, options: VerbOptions = {}): Promise<boolean> {
    try {
      await this.#containers.get(id, callOptions(options));
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

/** containerd's own refusal has a class; that of the shims up to 2.x is "unknown", with this text. */
function isStillRunning(error: unknown): boolean {
  return isCode(error, "failed_precondition") ||
    (isCode(error, "unknown") && error.message.includes("cannot delete a running process"));
}

async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isCode(error, "not_found")) throw error;
  }
}
