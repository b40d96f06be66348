import { GantryError } from "../base/errors.ts";
import { signalNumber } from "../base/signals.ts";
import type { CliContext } from "./context.ts";
import { reportError } from "./report.ts";

/**
 * The signals that come before anybody attends to a container, when what was begun for it must be taken back first: they
 * are noted, and told when somebody is about to attend.
 */
export class EarlyInterruption implements Disposable {
  #signal: Deno.Signal | undefined;
  readonly #stop: () => void;

  constructor({ io }: Pick<CliContext, "io">) {
    this.#stop = io.onSignal(["SIGINT", "SIGTERM", "SIGHUP"], (name) => {
      this.#signal ??= name;
    });
  }

  /** Ends the noting, for whoever looks after signals from here on; throws when one came. */
  handOver(): void {
    this.#stop();
    if (this.#signal !== undefined) throw new GantryError("cancelled", `interrupted by ${this.#signal}`);
  }

  /** The exit code for an error that is this interruption, which is told; throws an error that is another's. */
  conclude(error: unknown, { json, stderr, settings }: CliContext): number {
    if (this.#signal === undefined) throw error;
    reportError(error, stderr, { json, debug: settings.debug });
    return 128 + signalNumber(this.#signal);
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
