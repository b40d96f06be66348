import { type Clock, deadline } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type CallOptions, isUnsent } from "../rpc/transport.ts";
import { assertId } from "../wire/identifier.ts";
import type { Container } from "./container.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import type { ContainerTraces } from "./container_traces.ts";
import type { PrepareOptions, ReserveOptions } from "./engine.ts";
import { ignoreMissing } from "./ignore_missing.ts";
import { untilAnswered } from "./outage.ts";
import type { Runtime } from "./runtime.ts";

const log = getLogger("engine");

/** How long undoing a failed create may take; it waits for containerd when that is what failed. */
const undoMs = 15_000;
/** How long clearing away what dead processes left may hold up somebody else's create. */
const clearMs = 2000;

/** What may be there of a container that this process is making. */
interface Made {
  readonly record: boolean;
  readonly task: boolean;
}

const nothing: Made = { record: false, task: false };

/** What {@link ContainerMaking} works with. */
export interface ContainerMakingOptions {
  readonly runtime: Pick<Runtime, "removeResidue" | "sweep" | "prepare" | "planned" | "unprepare">;
  readonly traces: ContainerTraces;
  readonly clock: Clock;
  readonly container: (id: string) => Container;
}

/** The containers this process is making, and the taking back of those that fail, here or in processes that died. */
export class ContainerMaking {
  readonly #options: ContainerMakingOptions;
  readonly #traces: ContainerTraces;
  readonly #made = new Map<string, Made>();
  /** Containers that this process prepared and has not reserved yet. */
  readonly #prepared = new Set<string>();
  /** Containers that this process reserved, all of which is its to take back. */
  readonly #reserved = new Set<string>();

  constructor(options: ContainerMakingOptions) {
    this.#options = options;
    this.#traces = options.traces;
  }

  /** Begins what a container will need. It is marked before anything of it is there. */
  prepare(id: string, options: PrepareOptions): void {
    assertId(id);
    const { runtime } = this.#options;
    if (runtime.prepare === undefined) return;
    this.#traces.begin(id);
    this.#prepared.add(id);
    runtime.prepare(id, options);
  }

  /** Takes that back, of one that has not been reserved. */
  async unprepare(id: string): Promise<void> {
    if (!this.#prepared.delete(id)) return;
    await this.#options.runtime.unprepare?.(id);
    await this.#traces.settle(id);
  }

  /** Takes a container's name and makes its files. */
  async reserve(plan: ContainerPlan, { signal, isToStart = false }: ReserveOptions): Promise<void> {
    const { id, name, labels: { [labelKeys.ociRuntime]: ociRuntime } } = plan;
    assertId(id);
    const { runtime } = this.#options;
    this.#traces.begin(id);
    this.#prepared.delete(id);
    if (isToStart) {
      runtime.prepare?.(id, { ociRuntime });
      runtime.planned?.(plan);
    }
    try {
      await this.#clearAbandoned(signal);
      signal?.throwIfAborted();
      await this.#traces.make(plan);
      this.#reserved.add(id);
    } catch (error) {
      await runtime.unprepare?.(id);
      await this.#traces.drop(id, name).catch(() => {});
      throw error;
    }
  }

  /** True from {@link reserve} until it is settled or abandoned: there can be no task of it yet. */
  isReserved(id: string): boolean {
    return this.#reserved.has(id);
  }

  /** Makes the call that brings about `part` of a container, and notes that it may be there unless it surely is not. */
  async reach<T>(id: string, part: keyof Made, call: () => Promise<T>): Promise<T> {
    const before = this.#made.get(id);
    this.#made.set(id, { ...before ?? nothing, [part]: true });
    try {
      return await call();
    } catch (error) {
      // What is there already was made by somebody else, who goes on with it.
      if (isUnsent(error) || isCode(error, "already_exists")) this.#made.set(id, before ?? nothing);
      throw error;
    }
  }

  /** It runs, or is stored to be started later: it is no longer ours to take back. */
  async settle(id: string): Promise<void> {
    this.#made.delete(id);
    if (this.#reserved.delete(id)) await this.#traces.settle(id);
  }

  /** Takes back what was made. */
  async abandon({ id, name }: ContainerPlan): Promise<void> {
    const { record, task } = this.#made.get(id) ?? nothing;
    const { clock, container, runtime } = this.#options;
    using limit = deadline(undoMs);
    const { signal } = limit;
    try {
      await runtime.unprepare?.(id);
      // Where a process may run, containerd's return is worth waiting for.
      const options: CallOptions = { signal, waitForReady: task };
      const calls = { clock, signal, patienceMs: task ? undoMs : 0 };
      if (task) await untilAnswered(() => container(id).task.forceDelete(options), calls);
      if (record) await untilAnswered(() => ignoreMissing(container(id).delete(options)), calls);
      if (this.#reserved.has(id)) await this.#traces.drop(id, name);
    } catch (error) {
      // The mark stays, by which it is found again once this process has gone.
      log.warning("a container that failed could not be taken back yet", { container: id, error });
    }
    this.#made.delete(id);
    this.#reserved.delete(id);
  }

  /** Removes what processes that died left half made or half removed. It must not keep anybody from their own work. */
  async #clearAbandoned(signal: AbortSignal | undefined): Promise<void> {
    const ids = await this.#traces.abandoned();
    if (ids.length === 0) return;
    using limit = deadline(clearMs, signal);
    for (const id of ids) {
      try {
        await this.#clear(id, limit.signal);
        log.info("cleared away a container whose maker died", { container: id });
      } catch (error) {
        log.debug("a container whose maker died cannot be cleared away yet", { container: id, error });
        if (limit.signal.aborted || isCode(error, "unavailable")) return;
      }
    }
  }

  async #clear(id: string, signal: AbortSignal): Promise<void> {
    const { container, runtime } = this.#options;
    await container(id).task.forceDelete({ signal });
    await ignoreMissing(container(id).delete({ signal }));
    await runtime.sweep(id);
    await runtime.removeResidue(id, { signal });
    await this.#traces.clear(id);
  }
}
