import type { CallOptions } from "../rpc/transport.ts";
import { packJson, typeUrls } from "../wire/any.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import type { Spec } from "../wire/oci.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import type { ContainerRecords } from "./container_records.ts";
import type { ContainerChanges } from "./engine.ts";
import { explainRefusal } from "./explain_refusal.ts";
import type { ProcessContext } from "./process.ts";
import type { KillRequest } from "./task_api.ts";
import { Task } from "./task.ts";

/** What containers are made with. */
export interface ContainerContext extends ProcessContext {
  /** Keeps their records. */
  readonly records: Pick<ContainerRecords, "create" | "get" | "update" | "delete">;
}

/** A stored container, by its id. Holds nothing: what it says is what is stored when it is asked. */
export class Container {
  readonly id: string;
  /** What runs of it, if anything does. */
  readonly task: Task;
  readonly #records: ContainerContext["records"];

  constructor(id: string, context: ContainerContext) {
    this.id = id;
    this.task = new Task(id, context);
    this.#records = context.records;
  }

  /** Stores it; `already_exists` when the id is taken. */
  async store({ labels, runtime, spec }: ContainerPlan, options?: CallOptions): Promise<void> {
    const ociRuntime = labels[labelKeys.ociRuntime];
    await this.#records.create(
      { id: this.id, labels, runtime, ociRuntime, spec: packJson(typeUrls.spec, spec) },
      options,
    );
  }

  /** What is stored; `not_found` when nothing is. */
  async record(options?: CallOptions): Promise<ContainerRecord> {
    return await this.#records.get(this.id, options);
  }

  /** Sets labels; those that are not named stay. */
  async label(labels: Readonly<Record<string, string>>, options?: CallOptions): Promise<void> {
    await this.#records.update(this.id, { labels }, options);
  }

  /** Replaces the stored spec: it counts from the next start on. */
  async respecify(spec: Spec, options?: CallOptions): Promise<void> {
    await this.#records.update(this.id, { spec: packJson(typeUrls.spec, spec) }, options);
  }

  /** Both in one call; what is not given stays. */
  async revise({ spec, labels }: ContainerChanges, options?: CallOptions): Promise<void> {
    await this.#records.update(
      this.id,
      { labels, ...(spec === undefined ? {} : { spec: packJson(typeUrls.spec, spec) }) },
      options,
    );
  }

  /** Signals its task, or an exec in it. A refusal says what the container is doing instead; `not_found` when it does not run. */
  async kill(execId: string | undefined, request: KillRequest, options?: CallOptions): Promise<void> {
    const process = execId === undefined ? this.task : this.task.process(execId);
    await explainRefusal((call) => process.kill(request, call), { ...options, container: this, verb: "kill" });
  }

  /** Freezes what runs of it; `failed_precondition` when nothing does, or it is frozen. */
  async pause(options?: CallOptions): Promise<void> {
    await explainRefusal((call) => this.task.pause(call), { ...options, container: this, verb: "pause" });
  }

  /** Lets it go on; `failed_precondition` when it is not frozen. */
  async resume(options?: CallOptions): Promise<void> {
    await explainRefusal((call) => this.task.resume(call), { ...options, container: this, verb: "resume" });
  }

  /** Forgets it. */
  async delete(options?: CallOptions): Promise<void> {
    await this.#records.delete(this.id, options);
  }
}
