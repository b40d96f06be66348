import {
  type Container,
  ContainersDefinition,
  CreateContainerRequest,
  UpdateContainerRequest,
} from "../../proto/gen/containerd/containers.ts";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import { type CallOptions, methodOf, type Transport } from "../rpc/transport.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import { toMillis } from "../wire/timestamp.ts";

const create = methodOf(ContainersDefinition, ContainersDefinition.methods.create);
const get = methodOf(ContainersDefinition, ContainersDefinition.methods.get);
const list = methodOf(ContainersDefinition, ContainersDefinition.methods.list);
const update = methodOf(ContainersDefinition, ContainersDefinition.methods.update);
const remove = methodOf(ContainersDefinition, ContainersDefinition.methods.delete);

/** containerd's Containers service in one namespace; one method, one RPC. */
export class ContainerdContainers {
  readonly #transport: Transport;
  readonly #namespace: string;

  constructor(transport: Transport, namespace: string) {
    this.#transport = transport;
    this.#namespace = namespace;
  }

  /** Stores a container; `already_exists` when the id is taken. */
  async create(
    record: {
      readonly id: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly runtime: string;
      readonly spec: Any;
      /** Given to each task that is made of it. */
      readonly runtimeOptions?: Any | undefined;
    },
    options: CallOptions = {},
  ): Promise<void> {
    const { id, labels, runtime, spec, runtimeOptions } = record;
    const message = CreateContainerRequest.fromPartial({
      container: {
        id,
        labels,
        runtime: { name: runtime, ...(runtimeOptions === undefined ? {} : { options: runtimeOptions }) },
        spec,
      },
    });
    await this.#transport.unary(create, message, this.#scoped(options));
  }

  /** One container; `not_found` when there is none. */
  async get(id: string, options: CallOptions = {}): Promise<ContainerRecord> {
    return recordOf((await this.#transport.unary(get, { id }, this.#scoped(options))).container);
  }

  /** All containers that match one of containerd's filters; all of the namespace when there is none. */
  async list(filters: readonly string[] = [], options: CallOptions = {}): Promise<readonly ContainerRecord[]> {
    const reply = await this.#transport.unary(list, { filters: [...filters] }, this.#scoped(options));
    return reply.containers.map(recordOf);
  }

  /** Changes what is given of a container and nothing else; `not_found` when there is none. */
  async update(
    id: string,
    changes: { readonly labels?: Readonly<Record<string, string>> | undefined; readonly spec?: Any | undefined },
    options: CallOptions = {},
  ): Promise<void> {
    const { labels = {}, spec } = changes;
    const paths = [...Object.keys(labels).map((key) => `labels.${key}`), ...(spec === undefined ? [] : ["spec"])];
    const message = UpdateContainerRequest.fromPartial({
      container: { id, labels, ...(spec === undefined ? {} : { spec }) },
      updateMask: paths,
    });
    await this.#transport.unary(update, message, this.#scoped(options));
  }

  /** Forgets a container; `not_found` when there is none. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.unary(remove, { id }, this.#scoped(options));
  }

  #scoped(options: CallOptions): CallOptions {
    return { ...options, namespace: this.#namespace };
  }
}

function recordOf(container: Container | undefined): ContainerRecord {
  return {
    id: container?.id ?? "",
    labels: container?.labels ?? {},
    image: container?.image ?? "",
    runtime: container?.runtime?.name ?? "",
    spec: container?.spec,
    createdAt: toMillis(container?.createdAt) ?? 0,
  };
}
