import { makeFiles, removeFiles } from "./container_files.ts";
import { isName } from "../wire/identifier.ts";
import type { InstancePaths } from "./container_paths.ts";
import type { ContainerPlan } from "./container_plan.ts";
import { type NamesOptions, type NameStore, openNames } from "./names.ts";
import { openUnfinished, type Unfinished } from "./unfinished.ts";

/** What gantry itself keeps of the containers of one namespace, beside the runtime: marks, names, files. */
export class ContainerTraces {
  readonly #instance: InstancePaths;
  readonly #namespace: string;
  readonly #names: NameStore;
  readonly #unfinished: Unfinished;

  constructor(instance: InstancePaths, options: NamesOptions) {
    this.#instance = instance;
    this.#namespace = options.namespace;
    this.#names = openNames(instance, options);
    this.#unfinished = openUnfinished(instance, options.namespace);
  }

  /** Takes a marked container's name and makes its files. What is there when it fails is the caller's to {@link drop}. */
  async make(plan: ContainerPlan): Promise<void> {
    await this.#names.claim(plan.name, plan.id);
    await makeFiles(plan);
  }

  /** Removes all traces of a container, the marks last: also those of others who died over it. */
  async drop(id: string, name: string | undefined): Promise<void> {
    // What another client's label says may be no name of ours.
    if (name !== undefined && isName(name)) await this.#names.release(name, id);
    await removeFiles(this.#instance, this.#namespace, id);
    await this.#unfinished.clear(id);
    await this.settle(id);
  }

  /** Leaves what is left to do for a container to a child of this process. */
  async handOver(id: string, pid: number): Promise<void> {
    await this.#unfinished.handOver(id, pid);
  }

  /** Takes a further name for a container; `already_exists` when another one has it. */
  async claim(name: string, id: string): Promise<void> {
    await this.#names.claim(name, id);
  }

  /** Gives back one name of a container. */
  async release(name: string, id: string): Promise<void> {
    if (isName(name)) await this.#names.release(name, id);
  }

  /** Marks a container as being worked on: if this process dies, whoever comes next removes it. */
  begin(id: string): void {
    this.#unfinished.begin(id);
  }

  /** The container is whole again, or gone. */
  async settle(id: string): Promise<void> {
    await this.#unfinished.end(id);
  }

  /** Containers over whose making or removal a process died. */
  async abandoned(): Promise<readonly string[]> {
    return await this.#unfinished.abandoned();
  }

  /** Removes the traces of one of them, once the runtime has forgotten it. */
  async clear(id: string): Promise<void> {
    await this.#names.releaseAll(id);
    await removeFiles(this.#instance, this.#namespace, id);
    await this.#unfinished.clear(id);
  }

  /** The container behind a name; undefined for none and for what can be no name. */
  async lookup(name: string): Promise<string | undefined> {
    return isName(name) ? await this.#names.lookup(name) : undefined;
  }
}
