import { CreateTaskRequest, ExecProcessRequest } from "../../proto/gen/shim/task.ts";
import { type Clock, deadline, systemClock } from "../base/clock.ts";
import { type ErrorCode, GantryError, isCode, toGantryError } from "../base/errors.ts";
import { type CallOptions, defaultDeadlineMs } from "../rpc/transport.ts";
import { packJson, typeUrls } from "../wire/any.ts";
import type { MetricReading } from "../wire/metrics.ts";
import type { Process as ProcessSpec } from "../wire/oci.ts";
import type { Resources } from "../wire/oci_resources.ts";
import { packCheckpoint } from "../wire/runc_options.ts";
import type { CheckpointTaskRequest as CheckpointSettings, ExitStatus, RootfsMount, StdioPaths } from "../wire/task.ts";
import { HeldConnection } from "./held_connection.ts";
import { startTask } from "./interrupted_start.ts";
import { listStates } from "./list_states.ts";
import { type ContainerContent, TaskMaking } from "./task_making.ts";
import { type FoundTask, reconnect } from "./reconnect.ts";
import type { Shim } from "./shim.ts";
import { shimFailure } from "./shim_failure.ts";
import { noTask, ShimPool } from "./shim_pool.ts";
import type { StartShimOptions } from "./start_shim.ts";
import { exitStatusOf, unknownState } from "../wire/process_reply.ts";
import { TaskRemoval } from "./task_removal.ts";
import { lostState, type ProcessName, type ShimProcessState, shimRef, stateOf } from "./task_state.ts";

/** A shim that has not told a state by then hangs; a healthy one takes some milliseconds. */
const silentMs = 2000;

/** Options of {@link ShimTasks}. */
export interface ShimTasksOptions extends Pick<StartShimOptions, "way" | "events" | "path" | "debug"> {
  /** The directory of all bundles: absolute, short (sockets are made in it), and on a filesystem that a boot empties. */
  readonly root: string;
  readonly namespace: string;
  /** What a container's bundle is made from; asked once for each create. */
  readonly content: (containerId: string) => Promise<ContainerContent> | ContainerContent;
  /** Told once of each task whose shim was found dead, when everything of it has been removed. */
  readonly onLost?: ((containerId: string, exit: ExitStatus) => void) | undefined;
  /** How long one shim may hold up {@link ShimTasks.list}, milliseconds; its task is then `unknown`. Default 2000. */
  readonly listMs?: number | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Runs tasks on shims spoken to directly, in one namespace and without any daemon: the same methods and errors as
 * containerd's Tasks service. Everything about a task is in its bundle and its shim, so that any process can go on with
 * it; disposing closes the connections only.
 */
export class ShimTasks implements Disposable {
  readonly #options: ShimTasksOptions;
  readonly #clock: Clock;
  readonly #pool: ShimPool;
  readonly #making: TaskMaking;
  readonly #removal: TaskRemoval;

  constructor(options: ShimTasksOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#pool = new ShimPool({ ...options, clock: this.#clock });
    this.#making = new TaskMaking(this.#pool, { ...options, clock: this.#clock });
    this.#removal = new TaskRemoval(this.#pool, { ...options, clock: this.#clock });
  }

  /**
   * What a process that has just started does first: finds every task again, with the real end of what has ended, and
   * cleans up what is dead or half-made. A shim that hangs costs its own task 2 s; see {@link FoundTask}.
   */
  async reconnect(options: Pick<CallOptions, "signal" | "deadlineMs"> = {}): Promise<readonly FoundTask[]> {
    return await reconnect(this.#pool, { ...options, ...this.#options, clock: this.#clock });
  }

  /**
   * Makes a container's bundle and starts its shim ahead of {@link ShimTasks.create}, while the caller prepares the rest.
   * Call {@link ShimTasks.create} or {@link ShimTasks.abandon} afterwards.
   */
  async prepare(containerId: string, options: CallOptions = {}): Promise<void> {
    await this.#making.prepare(containerId, options);
  }

  /** Takes back what {@link ShimTasks.prepare} did; nothing to do is fine. */
  async abandon(containerId: string): Promise<void> {
    await this.#making.abandon(containerId);
  }

  /** Makes the task of a container: bundle, shim and process. When it fails, nothing of it is left. */
  async create(
    request: {
      readonly containerId: string;
      readonly rootfs: readonly RootfsMount[];
      readonly stdio: StdioPaths;
      readonly restore?: { readonly images: string; readonly work?: string | undefined } | undefined;
    },
    options: CallOptions = {},
  ): Promise<{ readonly pid: number }> {
    const { containerId, rootfs, stdio, restore } = request;
    const message = CreateTaskRequest.fromPartial({
      id: containerId,
      ...stdio,
      rootfs: rootfs.map((mount) => ({ ...mount, options: [...mount.options] })),
      checkpoint: restore?.images ?? "",
    });
    return await this.#making.create({ message, criuWork: restore?.work }, options);
  }

  /** Makes a further process of a running task. */
  async exec(
    request: {
      readonly process: ProcessName & { readonly execId: string };
      readonly spec: ProcessSpec;
      readonly stdio: StdioPaths;
    },
    options: CallOptions = {},
  ): Promise<void> {
    const { process, spec, stdio } = request;
    const message = ExecProcessRequest.fromPartial({
      ...shimRef(process),
      ...stdio,
      spec: packJson(typeUrls.process, spec),
    });
    await this.#call(process.containerId, (shim) => shim.call(shim.methods.exec, message, options), options);
  }

  /** Runs a created task or exec. */
  async start(target: ProcessName, options: CallOptions = {}): Promise<{ readonly pid: number }> {
    const { containerId, execId } = target;
    const { pid } = await this.#call(containerId, async (shim) => {
      const task = { ...options, bundle: this.#pool.bundle(containerId), clock: this.#clock };
      if (execId === undefined) return await startTask(shim, task);
      // A task that was started half-way is found and finished; an exec would not be.
      await using _held = new HeldConnection(shim.address.path, this.#clock);
      return await shim.call(shim.methods.start, shimRef(target), options);
    }, options);
    return { pid };
  }

  /**
   * What one process is doing. Of a task whose shim was lost: `stopped`, until it is deleted. `unknown` when the shim does
   * not answer within 2 s, as containerd's Get has it.
   */
  async state(target: ProcessName, options: CallOptions = {}): Promise<ShimProcessState> {
    const { deadlineMs = defaultDeadlineMs } = options;
    const bounded = { ...options, deadlineMs: Math.min(deadlineMs, silentMs) };
    try {
      const shim = await this.#pool.get(target.containerId, options);
      return stateOf(target, await shim.call(shim.methods.state, shimRef(target), bounded));
    } catch (error) {
      if (isCode(error, "deadline_exceeded") && deadlineMs > silentMs) return unknownState(target);
      const lost = await this.#lostAfter(error, target.containerId, options);
      if (lost === undefined) throw shimFailure(error);
      return lostState(target, lost);
    }
  }

  /**
   * What all tasks of the namespace are doing. Each shim is asked at the same time as the others; one that is dead is
   * cleaned up and its task `stopped`. Of one that does not answer, or is not cleaned up in time, the status is `unknown`.
   */
  async list(options: CallOptions = {}): Promise<readonly ShimProcessState[]> {
    return await listStates(this.#pool, { ...options, ...this.#options });
  }

  /**
   * Resolves when the process ends. No deadline unless one is given. When the shim dies, its container is killed and
   * cleaned up, and this resolves with 137, inexact, in every process.
   */
  async wait(target: ProcessName, options: CallOptions = {}): Promise<ExitStatus> {
    const { containerId } = target;
    const unlimited = { ...options, deadlineMs: options.deadlineMs ?? Infinity };
    for (;;) {
      try {
        const shim = await this.#pool.get(containerId, options);
        return exitStatusOf(await shim.call(shim.methods.wait, shimRef(target), unlimited));
      } catch (error) {
        const known = isCode(error, "not_found") ? await this.#pool.lostExit(containerId) : undefined;
        if (known !== undefined) return known;
        if (!isCode(error, "unavailable")) throw shimFailure(error);
        const end = await this.#pool.afterLoss(containerId, options.signal);
        if (end !== undefined) return end;
      }
    }
  }

  /** Signals a process, or all of the container. */
  async kill(
    target: ProcessName,
    request: { readonly signal: number; readonly all?: boolean | undefined },
    options: CallOptions = {},
  ): Promise<void> {
    const message = { ...shimRef(target), signal: request.signal, all: request.all ?? false };
    await this.#call(target.containerId, (shim) => shim.call(shim.methods.kill, message, options), {
      ...options,
      // As of every process that has ended.
      whenLost: "not_found",
    });
  }

  /** Freezes a task. */
  async pause(containerId: string, options: CallOptions = {}): Promise<void> {
    await this.#call(containerId, (shim) => shim.call(shim.methods.pause, { id: containerId }, options), options);
  }

  /** Lets a paused task go on. */
  async resume(containerId: string, options: CallOptions = {}): Promise<void> {
    await this.#call(containerId, (shim) => shim.call(shim.methods.resume, { id: containerId }, options), options);
  }

  /** Pids of all processes of a task. */
  async pids(containerId: string, options: CallOptions = {}): Promise<readonly number[]> {
    const request = { id: containerId };
    const reply = await this.#call(containerId, (shim) => shim.call(shim.methods.pids, request, options), options);
    return reply.processes.map(({ pid }) => pid);
  }

  /** What one task has used. The decoder is loaded here: 60 KB that nothing else takes. */
  async metrics(containerId: string, options: CallOptions = {}): Promise<MetricReading> {
    const request = { id: containerId };
    const { stats } = await this.#call(containerId, (shim) => shim.call(shim.methods.stats, request, options), options);
    const { decodeMetrics } = await import("../wire/metrics.ts");
    return { id: containerId, metrics: decodeMetrics(stats) };
  }

  /** Sets limits of a running task. */
  async update(containerId: string, resources: Resources, options: CallOptions = {}): Promise<void> {
    const message = { id: containerId, resources: packJson(typeUrls.resources, resources), annotations: {} };
    await this.#call(containerId, (shim) => shim.call(shim.methods.update, message, options), options);
  }

  /** Has CRIU write a task to a directory. */
  async checkpoint(containerId: string, request: CheckpointSettings, options: CallOptions = {}): Promise<void> {
    const message = { id: containerId, path: request.images, options: packCheckpoint(request) };
    await this.#call(containerId, async (shim) => {
      await using _held = new HeldConnection(shim.address.path, this.#clock);
      await shim.call(shim.methods.checkpoint, message, options);
    }, options);
  }

  /** Tells the terminal its size. */
  async resizePty(
    target: ProcessName,
    size: { readonly width: number; readonly height: number },
    options: CallOptions = {},
  ): Promise<void> {
    const message = { ...shimRef(target), width: size.width, height: size.height };
    await this.#call(target.containerId, (shim) => shim.call(shim.methods.resizePty, message, options), options);
  }

  /** Closes the shim's own write end of stdin. */
  async closeStdin(target: ProcessName, options: CallOptions = {}): Promise<void> {
    const message = { ...shimRef(target), stdin: true };
    await this.#call(target.containerId, (shim) => shim.call(shim.methods.closeIo, message, options), options);
  }

  /**
   * Frees an ended task or exec. Of a task, the shim is shut down and the bundle removed before this resolves; a shim that
   * is dead is cleaned up behind.
   */
  async delete(target: ProcessName, options: CallOptions = {}): Promise<ExitStatus> {
    return await this.#removal.delete(target, options);
  }

  /**
   * Removes a task whatever state it and its shim are in, a hung or dead one too: kills both and cleans up to nothing.
   * Undefined when there was nothing; how it ended is inexact.
   */
  async destroy(containerId: string, { signal }: Pick<CallOptions, "signal"> = {}): Promise<ExitStatus | undefined> {
    return await this.#removal.destroy(containerId, { signal });
  }

  /** Closes the connections; tasks and shims go on. */
  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }

  /** One call to a container's shim, with errors as containerd has them. A shim found dead is cleaned up behind. */
  async #call<T>(
    containerId: string,
    use: (shim: Shim) => Promise<T>,
    { whenLost = "failed_precondition", ...options }: CallOptions & { readonly whenLost?: ErrorCode },
  ): Promise<T> {
    try {
      return await use(await this.#pool.get(containerId, options));
    } catch (error) {
      const lost = await this.#lostAfter(error, containerId, options);
      if (lost === undefined) throw shimFailure(error);
      throw new GantryError(whenLost, `container ${containerId} does not run: its shim was lost`, { cause: error });
    }
  }

  /** How the task ended when that is why a call failed: its shim is dead, and now everything of it has been removed. */
  async #lostAfter(error: unknown, containerId: string, options: CallOptions): Promise<ExitStatus | undefined> {
    if (isCode(error, "not_found")) return await this.#pool.lostExit(containerId);
    if (!isCode(error, "unavailable")) return undefined;
    using limit = deadline(options.deadlineMs ?? defaultDeadlineMs, options.signal);
    const end = await this.#pool.afterLoss(containerId, limit.signal).catch((why: unknown) => {
      throw toGantryError(why);
    });
    if (end === undefined) return undefined;
    const lost = await this.#pool.lostExit(containerId);
    if (lost === undefined) throw noTask(containerId);
    return lost;
  }
}
