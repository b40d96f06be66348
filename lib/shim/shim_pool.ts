import { type Clock, deadline } from "../base/clock.ts";
import { GantryError, isCode, toGantryError } from "../base/errors.ts";
import { untilAborted } from "../base/until_aborted.ts";
import { type CallOptions, defaultDeadlineMs } from "../rpc/transport.ts";
import type { ExitStatus } from "../wire/task.ts";
import { type Bundle, bundleOf, hasBundle, isMadeElsewhere } from "./bundle.ts";
import { cleanUp, lost } from "./dead_shim.ts";
import { readLost, takeLost } from "./lost_task.ts";
import type { Shim } from "./shim.ts";
import { shimCondition } from "./shim_condition.ts";

/** Options of {@link ShimPool}. */
export interface ShimPoolOptions {
  /** The directory of all bundles, an absolute path. */
  readonly root: string;
  readonly namespace: string;
  readonly clock: Clock;
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
  /** Told once of each task whose shim was found dead, when everything of it has been removed. */
  readonly onLost?: ((containerId: string, exit: ExitStatus) => void) | undefined;
}

/** How long to pause before a shim is asked again that neither answers nor is proved dead. */
const silenceMs = 200;

/** The connections to the shims of one namespace: one for each container, made when it is needed and made again when lost. */
export class ShimPool implements Disposable {
  readonly #options: ShimPoolOptions;
  readonly #shims = new Map<string, Promise<Shim>>();
  readonly #cleaning = new Map<string, Promise<ExitStatus>>();

  constructor(options: ShimPoolOptions) {
    this.#options = options;
  }

  /** Names a container's bundle. `invalid_argument` for what is no id. */
  bundle(containerId: string): Bundle {
    return bundleOf(this.#options.root, { namespace: this.#options.namespace, id: containerId });
  }

  /**
   * The shim of a container. `not_found` when it has no task, `unavailable` when its shim is gone, `deadline_exceeded`
   * when that does not answer.
   */
  async get(containerId: string, { signal, deadlineMs = defaultDeadlineMs }: CallOptions = {}): Promise<Shim> {
    using limit = deadline(deadlineMs, signal);
    try {
      const known = this.#shims.get(containerId);
      if (known !== undefined) {
        const shim = await untilAborted(known, limit.signal);
        if (!shim.isClosed) return shim;
        this.drop(containerId);
      }
      // Not with the caller's signal: others may wait for the same connection. It is bounded by itself.
      return await untilAborted(this.add(containerId, this.#connect(this.bundle(containerId))), limit.signal);
    } catch (error) {
      throw toGantryError(error);
    }
  }

  /** Keeps the connection to a container's shim, once it is there. */
  async add(containerId: string, connecting: Promise<Shim>): Promise<Shim> {
    this.#shims.set(containerId, connecting);
    try {
      return await connecting;
    } catch (error) {
      if (this.#shims.get(containerId) === connecting) this.#shims.delete(containerId);
      throw error;
    }
  }

  /** Closes the connection to a container's shim. */
  drop(containerId: string): void {
    const known = this.#shims.get(containerId);
    this.#shims.delete(containerId);
    known?.then((shim) => shim[Symbol.dispose](), () => {});
  }

  /** The end of a task that was lost; it is then forgotten. */
  async takeLost(containerId: string): Promise<ExitStatus | undefined> {
    const bundle = this.bundle(containerId);
    return await hasBundle(bundle) ? undefined : await takeLost(bundle);
  }

  /** The end of a task that was lost, in this process or another. */
  async lostExit(containerId: string): Promise<ExitStatus | undefined> {
    const bundle = this.bundle(containerId);
    return await hasBundle(bundle) ? undefined : await readLost(bundle);
  }

  /**
   * What a lost connection means: how the task ended, when its shim is dead and all of it has been cleaned up; undefined
   * when the shim lives and may be asked again. A clean-up goes on when `signal` ends the wait for it.
   */
  async afterLoss(containerId: string, signal?: AbortSignal): Promise<ExitStatus | undefined> {
    const { clock } = this.#options;
    this.drop(containerId);
    const bundle = this.bundle(containerId);
    for (;;) {
      const known = this.#cleaning.get(containerId);
      if (known !== undefined) return await untilAborted(known, signal);
      // What another process is making now is another task, whose shim does not listen yet.
      if (!await hasBundle(bundle) || await isMadeElsewhere(bundle)) return await readLost(bundle) ?? lost(clock);
      const condition = await shimCondition(bundle, { signal });
      if (condition.kind === "alive") {
        await this.add(containerId, Promise.resolve(condition.shim));
        return undefined;
      }
      if (condition.kind === "dead") return await untilAborted(this.#cleanUp(bundle), signal);
      await clock.sleep(silenceMs, { signal });
    }
  }

  [Symbol.dispose](): void {
    for (const containerId of [...this.#shims.keys()]) this.drop(containerId);
  }

  /** Once for all who find the shim dead, and to its end, whoever of them gives up. */
  async #cleanUp(bundle: Bundle): Promise<ExitStatus> {
    const known = this.#cleaning.get(bundle.id);
    if (known !== undefined) return await known;
    const cleaning = this.#cleanUpNow(bundle);
    this.#cleaning.set(bundle.id, cleaning);
    try {
      return await cleaning;
    } finally {
      this.#cleaning.delete(bundle.id);
    }
  }

  async #cleanUpNow(bundle: Bundle): Promise<ExitStatus> {
    const { clock, path, onLost } = this.#options;
    const cleaned = await cleanUp(bundle, { clock, path });
    // Another process that cleaned up has told it.
    if (cleaned === undefined) return await readLost(bundle) ?? lost(clock);
    if (cleaned.wasTask) onLost?.(bundle.id, cleaned.exit);
    return cleaned.exit;
  }

  async #connect(bundle: Bundle): Promise<Shim> {
    if (!await hasBundle(bundle) || await isMadeElsewhere(bundle)) throw noTask(bundle.id);
    const condition = await shimCondition(bundle);
    if (condition.kind === "alive") return condition.shim;
    if (condition.kind === "dead") throw new GantryError("unavailable", `the shim of container ${bundle.id} is gone`);
    if (isCode(condition.why, "deadline_exceeded")) throw condition.why;
    throw new GantryError("deadline_exceeded", `the shim of container ${bundle.id} does not answer`, {
      cause: condition.why,
    });
  }
}

/** There is no such task. */
export function noTask(containerId: string): GantryError {
  return new GantryError("not_found", `container ${containerId} has no task`);
}
