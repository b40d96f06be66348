import type { CallOptions } from "../rpc/transport.ts";
import type { MetricReading } from "../wire/metrics.ts";
import type { Process as ProcessSpec } from "../wire/oci.ts";
import type { Resources } from "../wire/oci_resources.ts";
import type { CheckpointTaskRequest, StdioPaths } from "../wire/task.ts";
import { type ForceDeleteOptions, forceDeleteTask, type TaskEnd } from "./force_delete.ts";
import { Process, type ProcessContext } from "./process.ts";
import type { CreateTaskRequest } from "./task_api.ts";

/** What runs of a container: its first process, and what concerns all of them. */
export class Task extends Process {
  /** The container's id. */
  readonly id: string;

  constructor(id: string, context: ProcessContext) {
    super({ containerId: id }, context);
    this.id = id;
  }

  /** Makes it; it does not run yet. */
  async create(
    request: Omit<CreateTaskRequest, "containerId">,
    options?: CallOptions,
  ): Promise<{ readonly pid: number }> {
    return await this.context.tasks.create({ ...request, containerId: this.id }, options);
  }

  /** Makes a further process in it, which does not run yet. */
  async exec(
    execId: string,
    what: { readonly spec: ProcessSpec; readonly stdio: StdioPaths },
    options?: CallOptions,
  ): Promise<Process> {
    await this.context.tasks.exec({ ...what, process: { containerId: this.id, execId } }, options);
    return this.process(execId);
  }

  /** An exec that was made before. */
  process(execId: string): Process {
    return new Process({ containerId: this.id, execId }, this.context);
  }

  /** Freezes all its processes. */
  async pause(options?: CallOptions): Promise<void> {
    await this.context.tasks.pause(this.id, options);
  }

  /** Lets them go on. */
  async resume(options?: CallOptions): Promise<void> {
    await this.context.tasks.resume(this.id, options);
  }

  /** Pids on the host of all its processes. */
  async pids(options?: CallOptions): Promise<readonly number[]> {
    return await this.context.tasks.pids(this.id, options);
  }

  /** What it has used. */
  async metrics(options?: CallOptions): Promise<MetricReading> {
    return await this.context.tasks.metrics(this.id, options);
  }

  /** Sets its limits. */
  async update(resources: Resources, options?: CallOptions): Promise<void> {
    await this.context.tasks.update(this.id, resources, options);
  }

  /** Has CRIU write it to a directory. */
  async checkpoint(request: CheckpointTaskRequest, options?: CallOptions): Promise<void> {
    await this.context.tasks.checkpoint(this.id, request, options);
  }

  /** Ends and frees it, whatever state it is in. */
  async forceDelete(options: Omit<ForceDeleteOptions, "clock" | "endShim"> = {}): Promise<TaskEnd> {
    const { tasks, clock, endShim } = this.context;
    return await forceDeleteTask(tasks, this.id, { ...options, clock, endShim });
  }
}
