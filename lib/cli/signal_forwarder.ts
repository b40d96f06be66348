/** Signals sent to `gantry run` or `exec` belong to the container's process. */
import type { CliIo } from "./context.ts";

/**
 * As docker forwards them, but for: KILL and STOP, which nobody can catch; CHLD, PIPE and URG, which are our own; WINCH,
 * which is a resize; TTIN and TTOU, for with a handler a background read of the terminal would spin; BUS, FPE, ILL, SEGV,
 * SYS and TRAP, which mean that this very process is broken. Deno cannot listen for real-time signals.
 */
export const forwardedSignals: readonly Deno.Signal[] = [
  "SIGABRT",
  "SIGALRM",
  "SIGCONT",
  "SIGHUP",
  "SIGINT",
  "SIGIO",
  "SIGPROF",
  "SIGPWR",
  "SIGQUIT",
  "SIGSTKFLT",
  "SIGTERM",
  "SIGTSTP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGVTALRM",
  "SIGXCPU",
  "SIGXFSZ",
];

/** So many INT and TERM together and the user wants the terminal back, whatever the container does. */
const patience = 3;

/** Options of {@link SignalForwarder}. */
export interface SignalForwarderOptions {
  readonly io: Pick<CliIo, "onSignal">;
  /** Sends the signal on. Calls come one after another, in the order of the signals. */
  readonly forward: (name: Deno.Signal) => Promise<void> | void;
  /** Called at the third INT or TERM, in place of forwarding it. */
  readonly giveUp: (name: Deno.Signal) => void;
  /** Called when a signal could not be sent on; usually the process has just ended. Default: nothing. */
  readonly onError?: ((error: unknown, name: Deno.Signal) => void) | undefined;
}

/** Forwards signals from its making until it is disposed. */
export class SignalForwarder implements Disposable {
  readonly #options: SignalForwarderOptions;
  readonly #stop: () => void;
  #queue = Promise.resolve();
  #impatience = 0;

  constructor(options: SignalForwarderOptions) {
    this.#options = options;
    this.#stop = options.io.onSignal(forwardedSignals, (name) => this.#take(name));
  }

  /** Resolves when every signal taken so far has been sent on or has failed. */
  settled(): Promise<void> {
    return this.#queue;
  }

  /** Gives the signals their default actions back. */
  [Symbol.dispose](): void {
    this.#stop();
  }

  #take(name: Deno.Signal): void {
    if (name === "SIGINT" || name === "SIGTERM") {
      this.#impatience++;
      if (this.#impatience >= patience) return this.#options.giveUp(name);
    }
    this.#queue = this.#queue.then(() => this.#forward(name));
  }

  async #forward(name: Deno.Signal): Promise<void> {
    try {
      await this.#options.forward(name);
    } catch (error) {
      this.#options.onError?.(error, name);
    }
  }
}
