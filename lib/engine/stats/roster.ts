import type { Clock } from "../../base/clock.ts";
import { isCode } from "../../base/errors.ts";
import type { ContainerSummary, Engine } from "../engine.ts";
import type { StatsSample } from "./sample.ts";
import type { TakeSamples } from "./watch.ts";

/** Options of {@link StatsRoster}. */
export interface StatsRosterOptions {
  readonly clock: Clock;
  /** Which of all containers are shown, in which order; asked anew for each list. */
  readonly choose: (all: readonly ContainerSummary[]) => readonly ContainerSummary[];
}

/** A list that takes longer waits for a shim that hangs: the round goes on with the one before. */
const listPatienceMs = 300;

/**
 * Looked at so often; when nobody has answered in between, the others are not waited for. As long as answers come they
 * are: five hundred shims on a busy host need longer than that together.
 */
const quietMs = 500;

/**
 * The containers that stats are shown of. They come and go: there is a new list for each round, and every container that
 * runs is asked at once. A shim that hangs has no sample and keeps nobody: it delays one round, by a second at most.
 */
export class StatsRoster {
  readonly #engine: Pick<Engine, "list" | "sample">;
  readonly #clock: Clock;
  readonly #choose: StatsRosterOptions["choose"];
  /** Those that still owe an answer from an earlier round. */
  readonly #late = new Set<string>();
  #containers: readonly ContainerSummary[] | undefined;
  #listing: Promise<void> | undefined;
  /** What a list failed with that nobody waited for any more. */
  #failure: unknown;

  constructor(engine: Pick<Engine, "list" | "sample">, { clock, choose }: StatsRosterOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#choose = choose;
  }

  /** As they were last listed; those that do not run, or whose shim hangs, included. */
  get containers(): readonly ContainerSummary[] {
    return this.#containers ?? [];
  }

  /** Lists them: the first time to the end, after that as far as that does not take long. */
  async refresh(signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const isFirst = this.#containers === undefined;
    this.#listing ??= this.#list(isFirst, signal);
    if (isFirst) await this.#listing;
    else await this.#within(listPatienceMs, this.#listing, signal);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A sample of each that runs and answers. */
  readonly take: TakeSamples = async ({ signal }) => {
    await this.refresh(signal);
    const asked = this.containers.filter((container) => isUp(container) && !this.#late.has(container.id));
    const samples = new Map<string, StatsSample | undefined>();
    const calls = asked.map(async (container) => {
      this.#late.add(container.id);
      samples.set(container.id, await this.#engine.sample(container, { signal }).catch(() => undefined));
      this.#late.delete(container.id);
    });
    const all = Promise.all(calls);
    for (let answers = -1; answers < samples.size && samples.size < asked.length;) {
      answers = samples.size;
      await this.#within(quietMs, all, signal);
    }
    // Those that come later are too late: the object they go to is nobody's any more.
    return asked.map(({ id }) => samples.get(id)).filter((sample) => sample !== undefined);
  };

  /** Never rejects. */
  async #list(isFirst: boolean, signal: AbortSignal | undefined): Promise<void> {
    const patient = !isFirst;
    try {
      const all = this.#engine.list({ signal, patient }).catch((error: unknown) => {
        if (!patient || !isCode(error, "unavailable")) throw error;
        // The call was on its way when the runtime was started again: the next one waits until it is back.
        return this.#engine.list({ signal, patient });
      });
      this.#containers = this.#choose(await all);
    } catch (error) {
      this.#failure = error;
    }
    this.#listing = undefined;
  }

  async #within(ms: number, work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController();
    const timer = this.#clock.sleep(ms, {
      signal: AbortSignal.any([over.signal, ...signal === undefined ? [] : [signal]]),
    });
    timer.catch(() => {});
    try {
      await Promise.race([work, timer]);
    } finally {
      over.abort();
    }
  }
}

function isUp({ status, pid }: ContainerSummary): boolean {
  return pid > 0 && (status === "running" || status === "paused" || status === "pausing");
}
