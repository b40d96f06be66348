import { type Clock, deadline, systemClock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { ContainerdContainers } from "../containerd/containers.ts";
import { ContainerdTasks } from "../containerd/tasks.ts";
import { getVersion } from "../containerd/version.ts";
import type { Transport } from "../rpc/transport.ts";
import { witnessExit } from "../shim/exit_witness.ts";
import { packJson, typeUrls } from "../wire/any.ts";
import { assertId, assertNamespace, isId } from "../wire/identifier.ts";
import type { ExitStatus, StdioPaths } from "../wire/task.ts";
import type { InstancePaths } from "./container_paths.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import { makeFiles, removeFiles } from "./container_files.ts";
import { summarize } from "./container_summary.ts";
import type { ContainerSummary, Engine, RemoveOptions, VerbOptions, WaitOptions } from "./engine.ts";
import { forceDeleteTask } from "./force_delete.ts";
import { bundleOf } from "./bundle.ts";
import { type NameStore, openNames } from "./names.ts";
import type { KillRequest, ProcessRef, TaskApi, TerminalSize } from "./task_api.ts";
import { waitThroughOutages } from "./wait.ts";

/** How long undoing a failed create may take; it waits for containerd when that is what failed. */
const undoMs = 15_000;

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
  readonly #names: NameStore;
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
    this.#names = openNames(instance, { namespace, exists: (id) => this.#exists(id) });
  }

  async create(plan: ContainerPlan, stdio: StdioPaths, options: VerbOptions = {}): Promise<{ readonly pid: number }> {
    assertId(plan.id);
    await this.#names.claim(plan.name, plan.id);
    try {
      await makeFiles(plan);
      await this.#containers.create({
        id: plan.id,
        labels: plan.labels,
        runtime: plan.runtime,
        spec: packJson(typeUrls.spec, plan.spec),
      }, options);
      const { pid } = await this.#tasks.create({ containerId: plan.id, rootfs: plan.rootfs, stdio }, options);
      this.#bundles.set(plan.id, bundleOf(pid));
      return { pid };
    } catch (error) {
      await this.#undo(plan);
      throw error;
    }
  }

  async start(process: ProcessRef, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.start(process, options);
  }

  async wait(process: ProcessRef, options: WaitOptions = {}): Promise<ExitStatus> {
    const { signal, onOutage } = options;
    await using witnesses = new AsyncDisposableStack();
    const salvage = async ({ containerId }: ProcessRef): Promise<ExitStatus | undefined> => {
      const bundle = this.#bundles.get(containerId);
      if (bundle === undefined || process.execId !== undefined) return undefined;
      const witness = await witnessExit(bundle, { id: containerId, namespace: this.namespace });
      return witness === undefined ? undefined : await witnesses.use(witness).exit;
    };
    return await waitThroughOutages(this.#tasks, process, { clock: this.#clock, signal, onOutage, salvage });
  }

  async kill(process: ProcessRef, request: KillRequest, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.kill(process, request, options);
  }

  async resizePty(process: ProcessRef, size: TerminalSize, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.resizePty(process, size, options);
  }

  async closeStdin(process: ProcessRef, options: VerbOptions = {}): Promise<void> {
    await this.#tasks.closeStdin(process, options);
  }

  async finish(plan: ContainerPlan, options: VerbOptions = {}): Promise<void> {
    const patient = { ...options, waitForReady: true };
    await ignoreMissing(this.#tasks.delete({ containerId: plan.id }, patient));
    await ignoreMissing(this.#containers.delete(plan.id, patient));
    await this.#forget(plan.id, plan.name);
  }

  async remove(id: string, options: RemoveOptions = {}): Promise<void> {
    assertId(id);
    const { force = false, signal } = options;
    const record = await this.#containers.get(id, { signal }).catch((error: unknown) => {
      // A task may be left without its record; force is there to end such a thing too.
      if (force && isCode(error, "not_found")) return undefined;
      throw error;
    });
    const hadTask = await this.#removeTask(id, { force, signal });
    if (record === undefined && !hadTask) {
      throw new GantryError("not_found", `no container ${id} in namespace ${this.namespace}`);
    }
    await ignoreMissing(this.#containers.delete(id, { signal }));
    await this.#forget(id, record?.labels[labelKeys.name] ?? "");
  }

  async list(options: VerbOptions = {}): Promise<readonly ContainerSummary[]> {
    const [records, tasks] = await Promise.all([this.#containers.list([], options), this.#tasks.list(options)]);
    const byId = new Map(tasks.map((task) => [task.containerId, task]));
    const summaries = records.map((record) => summarize(record, byId.get(record.id)));
    return summaries.sort((a, b) => b.createdAt - a.createdAt);
  }

  async resolve(reference: string, options: VerbOptions = {}): Promise<string> {
    if (isId(reference) && reference.length === 64) return reference;
    const named = await this.#names.lookup(reference).catch(() => undefined);
    if (named !== undefined && await this.#exists(named)) return named;
    const records = await this.#containers.list([], options);
    const exact = records.find(({ id, labels }) => id === reference || labels[labelKeys.name] === reference);
    if (exact !== undefined) return exact.id;
    const matches = reference === "" ? [] : records.filter(({ id }) => id.startsWith(reference));
    if (matches.length > 1) {
      throw new GantryError("invalid_argument", `${reference} matches ${matches.length} containers`, {
        hint: `use more of the id: ${matches.slice(0, 5).map(({ id }) => id.slice(0, 16)).join(", ")}`,
      });
    }
    const [match] = matches;
    if (match !== undefined) return match.id;
    throw new GantryError("not_found", `no container ${JSON.stringify(reference)} in namespace ${this.namespace}`, {
      hint: "`gantry ps -a` lists them all; --namespace looks elsewhere",
    });
  }

  async version(options: VerbOptions = {}): Promise<string> {
    return (await getVersion(this.#transport, options)).version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #removeTask(id: string, options: RemoveOptions): Promise<boolean> {
    const { force, signal } = options;
    try {
      if (force === true) return await forceDeleteTask(this.#tasks, id, { clock: this.#clock, signal });
      await this.#tasks.delete({ containerId: id }, { signal });
      return true;
    } catch (error) {
      if (isCode(error, "not_found")) return false;
      if (!isStillRunning(error)) throw error;
      throw new GantryError("failed_precondition", `container ${id} still runs`, {
        cause: error,
        hint: `stop it first, or remove it by force: gantry rm -f ${id.slice(0, 12)}`,
      });
    }
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

  /** Takes back a create that failed at any point, perhaps because containerd died in the middle of it. */
  async #undo(plan: ContainerPlan): Promise<void> {
    using limit = deadline(undoMs);
    const options = { signal: limit.signal, waitForReady: true };
    // What cannot be undone in time is left for `rm -f`; the reason that matters is the error of the create itself.
    await forceDeleteTask(this.#tasks, plan.id, { clock: this.#clock, ...options }).catch(() => {});
    await this.#containers.delete(plan.id, options).catch(() => {});
    await this.#forget(plan.id, plan.name);
  }

  async #forget(id: string, name: string): Promise<void> {
    if (name !== "") await this.#names.release(name, id);
    await removeFiles(this.instance, this.namespace, id);
  }
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
