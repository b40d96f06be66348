import type { Clock } from "../base/clock.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { abandonedOf, bundleOf, makerOf } from "../shim/bundle.ts";
import { removeAbandoned } from "../shim/dead_shim.ts";
import { readShimVersion } from "../shim/shim_version.ts";
import { ShimTasks } from "../shim/shim_tasks.ts";
import type { ContainerContent } from "../shim/task_making.ts";
import { encodeOci } from "../wire/oci_json.ts";
import type { InstancePaths } from "./container_paths.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import type { ContainerRecords } from "./container_records.ts";
import type { PrepareOptions, VerbOptions } from "./engine.ts";
import { fileRecords } from "./file_records.ts";
import { freeForStart } from "./free_for_start.ts";
import type { CreateAgainOptions, RemoveResidueOptions, Runtime } from "./runtime.ts";
import type { Task } from "./task.ts";

/** What a {@link ShimRuntime} is made from. */
export interface ShimRuntimeOptions {
  /** Its own directories: nobody else's containers are in them. */
  readonly instance: InstancePaths;
  readonly namespace: string;
  /** Absolute path of the shim's program. */
  readonly shim: string;
  /** The directory of all bundles; short, and on a filesystem that a boot empties. */
  readonly bundles: string;
  /** Where the OCI runtime keeps its state. */
  readonly runtimeRoot: string;
  readonly clock: Clock;
}

/** Containers on shims of ours, with their records in files: no daemon is needed. */
export class ShimRuntime implements Runtime {
  readonly kind = "shim";
  readonly address: string;
  readonly namespace: string;
  readonly runtimeRoot: string;
  readonly records: ContainerRecords;
  readonly tasks: ShimTasks;
  readonly #shim: string;
  /** What is about to be created, with its plan as soon as there is one. */
  readonly #prepared = new Map<string, Preparation>();

  constructor({ instance, namespace, shim, bundles, runtimeRoot, clock }: ShimRuntimeOptions) {
    this.address = bundles;
    this.namespace = namespace;
    this.runtimeRoot = runtimeRoot;
    this.#shim = shim;
    this.records = fileRecords({ instance, namespace, now: () => clock.now() });
    this.tasks = new ShimTasks({ root: bundles, namespace, clock, content: (id) => this.#content(id) });
  }

  async version({ signal }: VerbOptions = {}): Promise<string> {
    const version = await readShimVersion(this.#shim, signal);
    if (version !== undefined) return version;
    throw new GantryError("failed_precondition", `${this.#shim} -v does not say which version it is`, {
      hint: "name another shim with --shim",
    });
  }

  prepare(id: string, { ociRuntime }: PrepareOptions): void {
    if (this.#prepared.has(id)) return;
    const plan = Promise.withResolvers<ContainerPlan>();
    plan.promise.catch(() => {});
    this.#prepared.set(id, { plan, ociRuntime });
    // What fails is tried again, and told, by create.
    this.tasks.prepare(id).catch(() => {});
  }

  planned(plan: ContainerPlan): void {
    this.#prepared.get(plan.id)?.plan.resolve(plan);
    this.#prepared.delete(plan.id);
  }

  async unprepare(id: string): Promise<void> {
    const preparation = this.#prepared.get(id);
    this.#prepared.delete(id);
    preparation?.plan.reject(new GantryError("cancelled", `container ${id} is not made after all`));
    await this.tasks.abandon(id);
  }

  async createAgain<T>(task: Task, create: () => Promise<T>, options: CreateAgainOptions): Promise<T> {
    const { name, signal } = options;
    await freeForStart(task, name, { signal });
    try {
      return await create();
    } catch (error) {
      if (!isCode(error, "already_exists")) throw error;
      // What a command that was killed over it left: nobody else is making it, or it would have the start's lock.
      const bundle = bundleOf(this.address, { namespace: this.namespace, id: task.id });
      if (await makerOf(bundle) === "alive") throw error;
      await this.tasks.destroy(task.id, { signal });
      return await create();
    }
  }

  async endShim(id: string, signal: AbortSignal): Promise<boolean> {
    return await this.tasks.destroy(id, { signal }) !== undefined;
  }

  async removeResidue(id: string, { signal }: RemoveResidueOptions = {}): Promise<boolean> {
    return await this.tasks.destroy(id, { signal }) !== undefined;
  }

  /** A shim's socket goes with its bundle; makers that were killed left the beginnings of others. */
  async sweep(id: string): Promise<void> {
    const bundle = bundleOf(this.address, { namespace: this.namespace, id });
    await Promise.all(abandonedOf(bundle).map(removeAbandoned));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tasks[Symbol.dispose]();
    await Promise.resolve();
  }

  async #content(id: string): Promise<ContainerContent> {
    const preparation = this.#prepared.get(id);
    if (preparation !== undefined) {
      const config = preparation.plan.promise.then(({ spec }) => encodeOci(spec));
      return this.#contentOf(config, preparation.ociRuntime);
    }
    const { spec, labels } = await this.records.get(id);
    const config = new TextDecoder().decode(spec?.value);
    if (config === "") throw new GantryError("data_loss", `container ${id} has no spec`);
    return this.#contentOf(config, labels[labelKeys.ociRuntime]);
  }

  #contentOf(config: string | Promise<string>, binary: string | undefined): ContainerContent {
    return { config, shim: this.#shim, runtime: { root: this.runtimeRoot, binary } };
  }
}

/** A container that is about to be created. */
interface Preparation {
  readonly plan: PromiseWithResolvers<ContainerPlan>;
  readonly ociRuntime: string | undefined;
}
