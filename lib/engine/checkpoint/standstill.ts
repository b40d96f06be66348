import type { Clock } from "../../base/clock.ts";
import { isCode } from "../../base/errors.ts";
import { getLogger } from "../../base/log.ts";
import type { Engine, VerbOptions } from "../engine.ts";
import { type CheckpointSubject, isAlive } from "./checkpoint_subject.ts";
import { isFrozen, setFrozen } from "./freezer.ts";

const log = getLogger("checkpoint");

/**
 * The time a container stands still for its checkpoint. CRIU freezes it for itself; its root filesystem is saved by us,
 * which needs a pause. Whatever fails in between, {@link end} leaves it as it was: a paused container paused, any other one
 * going on.
 */
export class Standstill {
  readonly #engine: Pick<Engine, "pause" | "resume">;
  readonly #subject: CheckpointSubject;
  readonly #clock: Clock;
  readonly #wasFrozen: boolean;
  #pausedAt: number | undefined;

  constructor(engine: Pick<Engine, "pause" | "resume">, subject: CheckpointSubject, clock: Clock) {
    this.#engine = engine;
    this.#subject = subject;
    this.#clock = clock;
    this.#wasFrozen = isFrozen(subject.running.pid);
  }

  /** Pauses it, unless it is paused. */
  async begin(options: VerbOptions): Promise<void> {
    if (this.#wasFrozen) return;
    this.#pausedAt = this.#clock.monotonic();
    const { id, running } = this.#subject;
    try {
      await this.#engine.pause(id, options);
    } catch (error) {
      if (!isCode(error, "failed_precondition") || isFrozen(running.pid)) throw error;
      // Its shim believes that it is paused, since it was thawed when nobody could tell the shim. Now the shim is right.
      setFrozen(running.pid, true);
    }
  }

  /**
   * Lets it go on if it did before; `killed` also if it did not, for on cgroup v1 a signal waits for the end of the freeze.
   * Gives how long it was paused, milliseconds; undefined when it was not, by us. Never fails.
   */
  async end({ killed }: { readonly killed: boolean }): Promise<number | undefined> {
    const { id, running } = this.#subject;
    const pausedMs = this.#pausedAt === undefined ? undefined : this.#clock.monotonic() - this.#pausedAt;
    if ((this.#wasFrozen && !killed) || !isAlive(running) || !isFrozen(running.pid)) return pausedMs;
    try {
      await this.#engine.resume(id, { patient: true });
    } catch (error) {
      // The shim knows of no pause when a runc or CRIU died over it; or nobody answers.
      if (!isAlive(running)) return pausedMs;
      log.debug("a container is thawed past its runtime", { container: id, error });
      try {
        setFrozen(running.pid, false);
      } catch (failure) {
        log.error("a container stays paused", { container: id, error: failure });
      }
    }
    return pausedMs;
  }
}
