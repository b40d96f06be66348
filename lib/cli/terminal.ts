/** The terminal of an attached container: raw mode that is always given back, and its size. */
import { GantryError } from "../base/errors.ts";
import { libcTerminal } from "../base/libc_terminal.ts";
import type { CliIo } from "./context.ts";

/** Columns and rows. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Size of the terminal on stdin, stdout or stderr; undefined when there is none. */
export function terminalSize(): TerminalSize | undefined {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A terminal nobody has sized yet (a fresh pty, a serial line) says 0×0, which programs take for garbage.
    return columns > 0 && rows > 0 ? { width: columns, height: rows } : undefined;
  } catch {
    return undefined;
  }
}

/** `invalid_argument` with this hint unless stdin is a terminal: for processes whose terminal it is to become. */
export function assertTerminal(hint: string): void {
  if (!Deno.stdin.isTerminal()) throw new GantryError("invalid_argument", "stdin is no terminal", { hint });
}

/** Calls `listener` with the new size at each change until the result is called. */
export function onResize(io: Pick<CliIo, "onSignal">, listener: (size: TerminalSize) => void): () => void {
  return io.onSignal(["SIGWINCH"], () => {
    const size = terminalSize();
    if (size !== undefined) listener(size);
  });
}

/** What {@link RawTerminal} needs of a terminal. */
export interface RawDevice {
  setRaw(raw: boolean): void;
}

/** Options of {@link RawTerminal}. */
export interface RawTerminalOptions {
  readonly io: Pick<CliIo, "onSignal">;
  /** Default stdin. */
  readonly device?: RawDevice | undefined;
  /**
   * Default true: HUP, INT, QUIT and TERM give the terminal back and then end the process as they would have. False when a
   * `SignalForwarder` has them: the session then goes on, and ends through dispose.
   */
  readonly endOnSignals?: boolean | undefined;
  /** Sends a signal to this process; replaced in tests. */
  readonly raise?: ((name: Deno.Signal) => void) | undefined;
}

/**
 * The terminal in raw mode, so that every key reaches the container. It is given back once, on whichever way out comes
 * first: dispose, an exit, an error that nobody caught, or a signal. Only SIGKILL of this process leaves it raw; then
 * `stty sane` helps.
 */
export class RawTerminal implements Disposable {
  readonly #device: RawDevice;
  readonly #undo: (() => void)[] = [];
  #raw = true;

  /** Switches to raw mode. Throws what the device throws when it is no terminal. */
  constructor({ io, device = libcTerminal(0), endOnSignals = true, raise = raiseSignal }: RawTerminalOptions) {
    this.#device = device;
    device.setRaw(true);
    const restore = () => this[Symbol.dispose]();
    // Deno.exit() fires unload; an uncaught error does not, but fires error or unhandledrejection first.
    for (const type of ["unload", "error", "unhandledrejection"] as const) {
      globalThis.addEventListener(type, restore);
      this.#undo.push(() => globalThis.removeEventListener(type, restore));
    }
    if (endOnSignals) {
      this.#undo.push(io.onSignal(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"], (name) => {
        this[Symbol.dispose]();
        raise(name);
      }));
    }
    // Somebody stopped us with SIGSTOP and the shell has put its own mode in place.
    this.#undo.push(io.onSignal(["SIGCONT"], () => this.#enterAgain()));
  }

  /** True until the terminal has been given back. */
  get active(): boolean {
    return this.#raw;
  }

  /** Gives the terminal back; again, does nothing. */
  [Symbol.dispose](): void {
    if (!this.#raw) return;
    this.#raw = false;
    for (const undo of this.#undo.splice(0)) undo();
    try {
      this.#device.setRaw(false);
    } catch {
      // The terminal itself has gone (its window was closed): there is nothing left to give back.
    }
  }

  #enterAgain(): void {
    if (!this.#raw) return;
    try {
      // Out and in again: what is given back at the end stays what was there at the start.
      this.#device.setRaw(false);
      this.#device.setRaw(true);
    } catch {
      // As above.
    }
  }
}

/** With our listener gone the signal has its default action again. */
function raiseSignal(name: Deno.Signal): void {
  Deno.kill(Deno.pid, name);
}
