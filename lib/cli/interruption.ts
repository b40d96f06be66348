/** INT and TERM as an AbortSignal, for commands that do not forward signals. */
import { GantryError } from "../base/errors.ts";
import type { CliIo } from "./context.ts";

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Listens from the first use of {@link signal} until it is disposed. */
export class Interruption implements Disposable {
  readonly #io: CliIo;
  readonly #controller = new AbortController();
  #stop: (() => void) | undefined;
  #code: number | undefined;

  constructor(io: CliIo) {
    this.#io = io;
  }

  /**
   * Aborted at the first INT, TERM or HUP. The listener is then removed, so that a second one ends a command that does
   * not come to an end by itself.
   */
  get signal(): AbortSignal {
    this.#stop ??= this.#io.onSignal(["SIGINT", "SIGTERM", "SIGHUP"], (name) => {
      this.#code = name === "SIGINT" || name === "SIGTERM" || name === "SIGHUP" ? codes[name] : 1;
      this[Symbol.dispose]();
      this.#controller.abort(new GantryError("cancelled", `interrupted by ${name}`));
    });
    return this.#controller.signal;
  }

  /** 128 + the number of the signal that came; undefined while none has. */
  get exitCode(): number | undefined {
    return this.#code;
  }

  [Symbol.dispose](): void {
    this.#stop?.();
    this.#stop = () => {};
  }
}
