import type { CreateTaskRequest } from "../../proto/gen/shim/task.ts";
import type { Clock } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { packRuntimeOptions } from "../wire/runtime_options.ts";
import { type Bundle, type BundleContent, createBundle, finishBundle, writeConfig } from "./bundle.ts";
import { writeShimAddress } from "./bundle_address.ts";
import { cleanUp } from "./dead_shim.ts";
import { forgetLost } from "./lost_task.ts";
import { connectShim, type Shim } from "./shim.ts";
import { shimFailure } from "./shim_failure.ts";
import type { ShimPool } from "./shim_pool.ts";
import { startsDirectly, startShim, type StartShimOptions } from "./start_shim.ts";

const log = getLogger("shim");

/** What a container's bundle is made from, and which shim serves it. */
export interface ContainerContent extends Omit<BundleContent, "config"> {
  /** See {@link BundleContent}. While a promise is pending, the shim starts already, except by its `start` command. */
  readonly config: string | Promise<string>;
  /** Id of a container whose shim serves this one, too, and lives as long as any of them. Default a shim of its own. */
  readonly shimOf?: string | undefined;
}

/** Options of {@link TaskMaking}. */
export interface TaskMakingOptions extends Pick<StartShimOptions, "way" | "events" | "path" | "debug"> {
  readonly content: (containerId: string) => Promise<ContainerContent> | ContainerContent;
  readonly clock: Clock;
}

/** A bundle with its shim, and no task yet. */
interface Prepared {
  readonly bundle: Bundle;
  readonly content: ContainerContent;
  readonly shim: Shim;
}

/** Makes tasks: each is there as a whole or not at all. */
export class TaskMaking {
  readonly #pool: ShimPool;
  readonly #options: TaskMakingOptions;
  readonly #prepared = new Map<string, Promise<Prepared>>();

  constructor(pool: ShimPool, options: TaskMakingOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Makes the bundle and starts the shim. */
  async prepare(containerId: string, options: CallOptions): Promise<void> {
    if (this.#prepared.has(containerId)) {
      throw new GantryError("already_exists", `container ${containerId} is being prepared already`);
    }
    const preparing = this.#prepare(containerId, options);
    this.#prepared.set(containerId, preparing);
    try {
      await preparing;
    } catch (error) {
      this.#prepared.delete(containerId);
      throw error;
    }
  }

  /** Undoes it. */
  async abandon(containerId: string): Promise<void> {
    const prepared = this.#prepared.get(containerId);
    this.#prepared.delete(containerId);
    const made = await prepared?.catch(() => undefined);
    if (made !== undefined) await this.#undo(made.bundle, made.shim);
  }

  /** Makes the task, with what was prepared when something was. */
  async create(
    { message, criuWork }: { readonly message: CreateTaskRequest; readonly criuWork: string | undefined },
    options: CallOptions,
  ): Promise<{ readonly pid: number }> {
    const prepared = this.#prepared.get(message.id) ?? this.#prepare(message.id, options);
    this.#prepared.delete(message.id);
    const { bundle, content, shim } = await prepared;
    try {
      const { pid } = await shim.call(shim.methods.create, {
        ...message,
        bundle: bundle.path,
        options: packRuntimeOptions(content.runtime ?? {}, criuWork),
      }, options);
      forgetLost(bundle);
      await finishBundle(bundle);
      await this.#pool.add(bundle.id, Promise.resolve(shim));
      return { pid };
    } catch (error) {
      await this.#undo(bundle, shim);
      throw shimFailure(error);
    }
  }

  async #prepare(containerId: string, { signal }: CallOptions): Promise<Prepared> {
    const bundle = this.#pool.bundle(containerId);
    const content = await this.#options.content(containerId);
    const config = Promise.resolve(content.config);
    // Its failure is looked at below, which may be too late for the runtime.
    config.catch(() => {});
    // The start command reads it; a shim that is run directly does not before Create.
    const isNeeded = typeof content.config === "string" || !startsDirectly({ ...this.#options, ...content });
    await createBundle(bundle, { ...content, config: isNeeded ? await config : undefined });
    const starting = this.#shimFor(bundle, content, signal);
    starting.catch(() => {});
    try {
      if (!isNeeded) writeConfig(bundle, await config);
      return { bundle, content, shim: await starting };
    } catch (error) {
      await this.#undo(bundle, await starting.catch(() => undefined));
      throw error;
    }
  }

  async #shimFor(bundle: Bundle, content: ContainerContent, signal: AbortSignal | undefined): Promise<Shim> {
    if (content.shimOf === undefined) return await startShim(bundle, { ...this.#options, ...content, signal });
    const { address } = await this.#pool.get(content.shimOf, { signal });
    await writeShimAddress(bundle.path, address);
    return await connectShim(bundle, address, { signal });
  }

  /**
   * Closing the connection makes the shim give up a create that is under way. A create that failed may also have left a
   * container that the shim does not know of: it goes with the rest. The first failure is the one to report.
   */
  async #undo(bundle: Bundle, shim: Shim | undefined): Promise<void> {
    shim?.[Symbol.dispose]();
    try {
      await cleanUp(bundle, this.#options);
      await shim?.reaped();
    } catch (error) {
      log.warning("a task that could not be made is not wholly removed", { id: bundle.id, error });
    }
  }
}
