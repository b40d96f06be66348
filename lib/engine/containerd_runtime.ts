import type { Clock } from "../base/clock.ts";
import { ContainerdContainers } from "../containerd/containers.ts";
import { ContainerdTasks } from "../containerd/tasks.ts";
import { getVersion } from "../containerd/version.ts";
import type { Transport } from "../rpc/transport.ts";
import { removeDeadShimSocket } from "../shim/shim_socket.ts";
import { defaultRuntimeRoot, packRuntimeOptions } from "../wire/runtime_options.ts";
import { labelKeys } from "./container_plan.ts";
import type { ContainerRecords } from "./container_records.ts";
import { createAgain } from "./create_again.ts";
import type { VerbOptions } from "./engine.ts";
import { endHungShim } from "./hung_shim.ts";
import { removeResidue, type ResidueOptions } from "./residue.ts";
import type { CreateAgainOptions, RemoveResidueOptions, Runtime } from "./runtime.ts";
import { ShimWitnesses } from "./shim_witnesses.ts";
import type { Task } from "./task.ts";

/** What a {@link ContainerdRuntime} is made from. */
export interface ContainerdRuntimeOptions {
  readonly transport: Transport;
  /** containerd's socket. */
  readonly address: string;
  readonly namespace: string;
  readonly clock: Clock;
}

/** Containers that containerd stores and runs. */
export class ContainerdRuntime implements Runtime {
  readonly kind = "containerd";
  readonly address: string;
  readonly namespace: string;
  readonly runtimeRoot = defaultRuntimeRoot;
  readonly records: ContainerRecords;
  readonly tasks: ContainerdTasks;
  readonly witnesses: ShimWitnesses;
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor({ transport, address, namespace, clock }: ContainerdRuntimeOptions) {
    this.address = address;
    this.namespace = namespace;
    this.#transport = transport;
    this.#clock = clock;
    this.records = recordsOf(new ContainerdContainers(transport, namespace));
    this.tasks = new ContainerdTasks(transport, namespace);
    this.witnesses = new ShimWitnesses(this);
  }

  async version({ signal, patient }: VerbOptions = {}): Promise<string> {
    return (await getVersion(this.#transport, { signal, waitForReady: patient })).version;
  }

  async createAgain<T>(task: Task, create: () => Promise<T>, options: CreateAgainOptions): Promise<T> {
    const { name, signal, patient } = options;
    return await createAgain(task, create, { ...this.#residue(signal), name, waitForReady: patient });
  }

  async endShim(id: string, signal: AbortSignal): Promise<boolean> {
    const { namespace, address } = this;
    return await endHungShim(id, { namespace, address, clock: this.#clock, signal });
  }

  async removeResidue(id: string, { signal, state }: RemoveResidueOptions = {}): Promise<boolean> {
    return await removeResidue(id, { ...this.#residue(signal), state });
  }

  /** A shim that was killed leaves its socket, and containerd does not remove it. */
  async sweep(id: string): Promise<void> {
    const { namespace, address } = this;
    await removeDeadShimSocket({ address, namespace, id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  #residue(signal: AbortSignal | undefined): ResidueOptions {
    const { namespace, runtimeRoot, address } = this;
    return { namespace, runtimeRoot, address, clock: this.#clock, signal };
  }
}

/** containerd's filters for what a reference may mean: a name, or the start of an id in which a dot is a dot. */
export function referenceFilters(reference: string): readonly string[] {
  return [
    `labels."${labelKeys.name}"==${JSON.stringify(reference)}`,
    `id~=${JSON.stringify(`^${reference.replaceAll(".", "\\.")}`)}`,
  ];
}

/** containerd keeps the options of the OCI runtime with the record and gives them to each task that is made of it. */
function recordsOf(containers: ContainerdContainers): ContainerRecords {
  return {
    create: ({ ociRuntime, ...record }, options) => {
      const runtimeOptions = ociRuntime === undefined ? undefined : packRuntimeOptions({ binary: ociRuntime });
      return containers.create({ ...record, runtimeOptions }, options);
    },
    get: (id, options) => containers.get(id, options),
    list: (options) => containers.list([], options),
    find: (reference, options) => containers.list(referenceFilters(reference), options),
    update: (id, changes, options) => containers.update(id, changes, options),
    delete: (id, options) => containers.delete(id, options),
  };
}
