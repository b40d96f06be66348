import type { Clock } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { exitStatusOf } from "../wire/process_reply.ts";
import type { ExitStatus } from "../wire/task.ts";
import { makerOf } from "./bundle.ts";
import { cleanUp } from "./dead_shim.ts";
import { endShim } from "./end_shim.ts";
import type { Shim } from "./shim.ts";
import { shimFailure } from "./shim_failure.ts";
import type { ShimPool } from "./shim_pool.ts";
import { type ProcessName, shimRef } from "./task_state.ts";

/** Options of {@link TaskRemoval}. */
export interface TaskRemovalOptions {
  readonly clock: Clock;
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
}

/** Removes tasks and execs. */
export class TaskRemoval {
  readonly #pool: ShimPool;
  readonly #options: TaskRemovalOptions;

  constructor(pool: ShimPool, { clock, path }: TaskRemovalOptions) {
    this.#pool = pool;
    this.#options = { clock, path };
  }

  /** Frees what has ended, with the shim when it is the task. A shim that is dead is cleaned up behind. */
  async delete(target: ProcessName, options: CallOptions): Promise<ExitStatus> {
    const { containerId, execId } = target;
    let shim: Shim;
    let exit: ExitStatus;
    try {
      shim = await this.#pool.get(containerId, options);
      exit = exitStatusOf(await shim.call(shim.methods.delete, shimRef(target), options));
    } catch (error) {
      return await this.#deleteAfter(error, target, options);
    }
    if (execId === undefined) await this.#end(containerId, shim, options);
    return exit;
  }

  /** Removes a task in whatever state, and what is kept of a lost one. */
  async destroy(containerId: string, { signal }: Pick<CallOptions, "signal">): Promise<ExitStatus | undefined> {
    this.#pool.drop(containerId);
    const cleaned = await cleanUp(this.#pool.bundle(containerId), { ...this.#options, signal });
    const lost = await this.#pool.takeLost(containerId);
    return cleaned?.exit ?? lost;
  }

  async #deleteAfter(error: unknown, { containerId, execId }: ProcessName, options: CallOptions): Promise<ExitStatus> {
    const isTask = execId === undefined;
    if (isCode(error, "unavailable")) {
      const end = await this.#pool.afterLoss(containerId, options.signal);
      if (end !== undefined) return (isTask ? await this.#pool.takeLost(containerId) : undefined) ?? end;
    }
    if (isCode(error, "not_found")) {
      const lost = isTask ? await this.#pool.takeLost(containerId) : await this.#pool.lostExit(containerId);
      if (lost !== undefined) return lost;
      if (isTask) await this.#endDeleted(containerId, options);
    }
    throw shimFailure(error);
  }

  /** One that was deleted before, by somebody who was cut off before the shim was shut down. A task being made is not meant. */
  async #endDeleted(containerId: string, options: CallOptions): Promise<void> {
    if (await makerOf(this.#pool.bundle(containerId)) !== "none") return;
    const shim = await this.#pool.get(containerId, options).catch(() => undefined);
    if (shim !== undefined) await this.#end(containerId, shim, options);
  }

  async #end(containerId: string, shim: Shim, { signal }: CallOptions): Promise<void> {
    try {
      await endShim(this.#pool.bundle(containerId), shim, { clock: this.#options.clock, signal });
    } finally {
      this.#pool.drop(containerId);
    }
  }
}
