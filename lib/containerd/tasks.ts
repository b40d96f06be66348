import {
  CheckpointTaskRequest,
  CloseIORequest,
  CreateTaskRequest,
  type DeleteResponse,
  ExecProcessRequest,
  ResizePtyRequest,
  TasksDefinition,
} from "../../proto/gen/containerd/tasks.ts";
import type { Process } from "../../proto/gen/containerd/task.ts";
import { type CallOptions, methodOf, type Transport } from "../rpc/transport.ts";
import { GantryError } from "../base/errors.ts";
import { packJson, typeUrls } from "../wire/any.ts";
import type { MetricReading } from "../wire/metrics.ts";
import type { Process as ProcessSpec } from "../wire/oci.ts";
import type { Resources } from "../wire/oci_resources.ts";
import { exitStatusOf, taskStatusOf } from "../wire/process_reply.ts";
import { packCheckpoint, packRestore } from "../wire/runc_options.ts";
import type {
  CheckpointTaskRequest as CheckpointSettings,
  ExitStatus,
  RootfsMount,
  StdioPaths,
  TaskStatus,
} from "../wire/task.ts";

const create = methodOf(TasksDefinition, TasksDefinition.methods.create);
const start = methodOf(TasksDefinition, TasksDefinition.methods.start);
const get = methodOf(TasksDefinition, TasksDefinition.methods.get);
const list = methodOf(TasksDefinition, TasksDefinition.methods.list);
const wait = methodOf(TasksDefinition, TasksDefinition.methods.wait);
const kill = methodOf(TasksDefinition, TasksDefinition.methods.kill);
const exec = methodOf(TasksDefinition, TasksDefinition.methods.exec);
const pause = methodOf(TasksDefinition, TasksDefinition.methods.pause);
const listPids = methodOf(TasksDefinition, TasksDefinition.methods.listPids);
const metrics = methodOf(TasksDefinition, TasksDefinition.methods.metrics);
const update = methodOf(TasksDefinition, TasksDefinition.methods.update);
const checkpoint = methodOf(TasksDefinition, TasksDefinition.methods.checkpoint);
const resume = methodOf(TasksDefinition, TasksDefinition.methods.resume);
const resizePty = methodOf(TasksDefinition, TasksDefinition.methods.resizePty);
const closeIo = methodOf(TasksDefinition, TasksDefinition.methods.closeIO);
const deleteTask = methodOf(TasksDefinition, TasksDefinition.methods.delete);
const deleteProcess = methodOf(TasksDefinition, TasksDefinition.methods.deleteProcess);

/** A task, or an exec in it when `execId` is given. */
interface Target {
  readonly containerId: string;
  readonly execId?: string | undefined;
}

/** containerd's Tasks service in one namespace; one method, one RPC. */
export class ContainerdTasks {
  readonly #transport: Transport;
  readonly #namespace: string;

  constructor(transport: Transport, namespace: string) {
    this.#transport = transport;
    this.#namespace = namespace;
  }

  /** Makes the task of a stored container. */
  async create(
    request: {
      readonly containerId: string;
      readonly rootfs: readonly RootfsMount[];
      readonly stdio: StdioPaths;
      readonly restore?: { readonly images: string; readonly work?: string | undefined } | undefined;
      readonly ociRuntime?: string | undefined;
    },
    options: CallOptions = {},
  ): Promise<{ readonly pid: number }> {
    const { containerId, rootfs, stdio, restore, ociRuntime } = request;
    const message = CreateTaskRequest.fromPartial({
      containerId,
      ...stdio,
      rootfs: rootfs.map((mount) => ({ ...mount, options: [...mount.options] })),
      ...(restore === undefined ? {} : { options: packRestore(restore, ociRuntime) }),
    });
    return { pid: (await this.#transport.unary(create, message, this.#scoped(options))).pid };
  }

  /** Makes a further process of a running task. */
  async exec(
    request: {
      readonly process: Target & { readonly execId: string };
      readonly spec: ProcessSpec;
      readonly stdio: StdioPaths;
    },
    options: CallOptions = {},
  ): Promise<void> {
    const { process, spec, stdio } = request;
    const message = ExecProcessRequest.fromPartial({
      ...refOf(process),
      ...stdio,
      spec: packJson(typeUrls.process, spec),
    });
    await this.#transport.unary(exec, message, this.#scoped(options));
  }

  /** Runs a created task or exec. */
  async start(target: Target, options: CallOptions = {}): Promise<{ readonly pid: number }> {
    return { pid: (await this.#transport.unary(start, refOf(target), this.#scoped(options))).pid };
  }

  /** What one process is doing. */
  async state(target: Target, options: CallOptions = {}): Promise<ReturnType<typeof stateOf>> {
    const { process } = await this.#transport.unary(get, refOf(target), this.#scoped(options));
    return stateOf(target, process);
  }

  /** What all tasks of the namespace are doing. */
  async list(options: CallOptions = {}): Promise<readonly ReturnType<typeof stateOf>[]> {
    const { tasks } = await this.#transport.unary(list, { filter: "" }, this.#scoped(options));
    // containerd 1.6 and later name the container in `id` here and leave container_id empty.
    return tasks.map((process) =>
      stateOf({ containerId: process.containerId === "" ? process.id : process.containerId }, process)
    );
  }

  /** Resolves when the process ends. No deadline unless one is given: a container may run for years. */
  async wait(target: Target, options: CallOptions = {}): Promise<ExitStatus> {
    const scoped = this.#scoped({ ...options, deadlineMs: options.deadlineMs ?? Infinity });
    return exitStatusOf(await this.#transport.unary(wait, refOf(target), scoped));
  }

  /** Signals a process, or all of the container. */
  async kill(
    target: Target,
    request: { readonly signal: number; readonly all?: boolean | undefined },
    options: CallOptions = {},
  ): Promise<void> {
    const message = { ...refOf(target), signal: request.signal, all: request.all ?? false };
    await this.#transport.unary(kill, message, this.#scoped(options));
  }

  /** Freezes a task. */
  async pause(containerId: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.unary(pause, { containerId }, this.#scoped(options));
  }

  /** Lets a paused task go on. */
  async resume(containerId: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.unary(resume, { containerId }, this.#scoped(options));
  }

  /** Pids of all processes of a task. */
  async pids(containerId: string, options: CallOptions = {}): Promise<readonly number[]> {
    const { processes } = await this.#transport.unary(listPids, { containerId }, this.#scoped(options));
    return processes.map(({ pid }) => pid);
  }

  /** What one task has used; `not_found` when containerd has none for it. */
  async metrics(containerId: string, options: CallOptions = {}): Promise<MetricReading> {
    const request = { filters: [`id==${containerId}`] };
    const [found] = (await this.#transport.unary(metrics, request, this.#scoped(options))).metrics;
    if (found === undefined) throw new GantryError("not_found", `no metrics of container ${containerId}`);
    // 60 KB that only this takes.
    const { decodeMetric } = await import("../wire/metrics.ts");
    return decodeMetric(found);
  }

  /** Sets limits of a running task. */
  async update(containerId: string, resources: Resources, options: CallOptions = {}): Promise<void> {
    const message = { containerId, resources: packJson(typeUrls.resources, resources), annotations: {} };
    await this.#transport.unary(update, message, this.#scoped(options));
  }

  /** Has CRIU write a task to a directory: one RPC, no content store. */
  async checkpoint(containerId: string, request: CheckpointSettings, options: CallOptions = {}): Promise<void> {
    const message = CheckpointTaskRequest.fromPartial({ containerId, options: packCheckpoint(request) });
    await this.#transport.unary(checkpoint, message, this.#scoped(options));
  }

  /** Tells the terminal its size. */
  async resizePty(
    target: Target,
    size: { readonly width: number; readonly height: number },
    options: CallOptions = {},
  ): Promise<void> {
    const message = ResizePtyRequest.fromPartial({ ...refOf(target), ...size });
    await this.#transport.unary(resizePty, message, this.#scoped(options));
  }

  /** Closes the runtime's own write end of stdin. */
  async closeStdin(target: Target, options: CallOptions = {}): Promise<void> {
    const message = CloseIORequest.fromPartial({ ...refOf(target), stdin: true });
    await this.#transport.unary(closeIo, message, this.#scoped(options));
  }

  /** Frees an ended task or exec. */
  async delete(target: Target, options: CallOptions = {}): Promise<ExitStatus> {
    const scoped = this.#scoped(options);
    const reply: DeleteResponse = target.execId === undefined
      ? await this.#transport.unary(deleteTask, { containerId: target.containerId }, scoped)
      : await this.#transport.unary(deleteProcess, refOf(target), scoped);
    return exitStatusOf(reply);
  }

  #scoped(options: CallOptions): CallOptions {
    return { ...options, namespace: this.#namespace };
  }
}

function refOf(target: Target): { containerId: string; execId: string } {
  return { containerId: target.containerId, execId: target.execId ?? "" };
}

function stateOf(target: Target, process: Process | undefined): Target & {
  readonly pid: number;
  readonly status: TaskStatus;
  readonly stdio: StdioPaths;
  readonly exit?: ExitStatus | undefined;
} {
  const status = taskStatusOf(process?.status);
  const exit = process !== undefined && status === "stopped" ? exitStatusOf(process) : undefined;
  const { stdin = "", stdout = "", stderr = "", terminal = false } = process ?? {};
  return { ...target, pid: process?.pid ?? 0, status, stdio: { stdin, stdout, stderr, terminal }, exit };
}
