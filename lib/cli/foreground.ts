/** A process in the foreground of a terminal or a script: streams, signals, size, detach keys. */
import { GantryError } from "../base/errors.ts";
import { signalNumber } from "../base/signals.ts";
import type {
  ForegroundEnd,
  ForegroundHandle,
  ForegroundOptions,
  ForegroundStreams,
} from "../engine/attend_process.ts";
import type { ByteSource } from "../engine/copy.ts";
import type { TerminalSize } from "../engine/task_api.ts";
import type { CliContext } from "./context.ts";
import { parseDetachKeys, untilDetached } from "./detach_keys.ts";
import { reportError, reportWarning } from "./report.ts";
import { SignalForwarder } from "./signal_forwarder.ts";
import { stderrSink, stdinSource, stdoutSink } from "./standard_streams.ts";
import { onResize, RawTerminal, terminalSize } from "./terminal.ts";

/** What is attended to. */
export interface Attended {
  /** For messages, e.g. `container web`. */
  readonly name: string;
  /** Told to the user when it is left running: how it can be ended or found again. */
  readonly afterwards: string;
  /** It is killed when our attention ends by a signal, and goes on only after the detach keys. Default: it always goes on. */
  readonly endsWithUs?: boolean | undefined;
  /** Makes it, runs it and passes its streams on. */
  run(streams: ForegroundStreams, options: ForegroundOptions): Promise<ForegroundEnd>;
  /** Finds somebody else for its output, and for what is left of its time limit, when it is let go of; default nobody. */
  onDetached?(timeoutMs: number | undefined): Promise<void>;
}

/** How to attend to it. */
export interface AttendOptions {
  readonly context: CliContext;
  /** Passes stdin on. */
  readonly interactive: boolean;
  /** It has a terminal. */
  readonly tty: boolean;
  /** As docker writes them; see `detach_keys.ts`. */
  readonly detachKeys: string;
  /** Passes signals on. */
  readonly sigProxy: boolean;
  /** Called with its pid once it is made, before it runs. */
  readonly onCreated?: ((pid: number) => Promise<void>) | undefined;
  /** Called once it runs. */
  readonly onStarted?: ((pid: number) => void) | undefined;
}

/** Exit code when the user gave up on the container: docker's. */
const gaveUp = 1;

/** Runs a process and attends to it; resolves to the exit code of gantry. */
export async function attend(attended: Attended, options: AttendOptions): Promise<number> {
  const { context, tty, interactive, onCreated } = options;
  const keys = parseDetachKeys(tty ? options.detachKeys : "");
  const session = new TerminalSession(attended, options);
  // To the very end: one more ctrl-c must not end us while somebody else is found for the output.
  using _listening = session.listen();
  using terminal = new DisposableStack();
  const raw = tty && interactive && Deno.stdin.isTerminal();
  if (raw) terminal.use(new RawTerminal({ io: context.io, endOnSignals: !options.sigProxy }));
  const stdin = interactive ? inputOf(keys, () => session.detach()) : undefined;
  const running = attended.run({ stdin, stdout: stdoutSink, stderr: stderrSink }, {
    signal: session.signal,
    clock: context.clock,
    onCreated: async (pid) => {
      session.created();
      await onCreated?.(pid);
    },
    onStarted: (handle) => {
      options.onStarted?.(handle.pid);
      session.started(handle);
    },
    onOutage: (cause) => {
      if (context.settings.verbose) context.note(`gantry: ${cause.message}; ${attended.name} goes on, waiting`);
    },
    onDetached: async (timeoutMs) => {
      // The terminal first: finding somebody else for the output takes a moment.
      terminal.dispose();
      await attended.onDetached?.(timeoutMs);
    },
  });
  let end: ForegroundEnd;
  try {
    end = await Promise.race([running, session.walkedAway]);
  } catch (error) {
    const code = session.interruptedCode;
    if (code === undefined) throw error;
    reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
    return code;
  }
  terminal.dispose();
  return end.kind === "detached" ? leave(attended, session, options) : conclude(end, attended, context);
}

function leave(attended: Attended, session: TerminalSession, { context, tty }: AttendOptions): number {
  // The cursor is wherever the container left it.
  const newLine = tty && context.stderr.isTerminal ? "\n" : "";
  const wasKilled = attended.endsWithUs === true && session.signal.aborted;
  const fate = wasKilled ? "was killed" : `goes on; ${attended.afterwards}`;
  context.note(`${newLine}gantry: ${attended.name} ${fate}`);
  return session.gaveUp ? gaveUp : session.interruptedCode ?? 0;
}

function conclude(
  { exit, timedOut, outputError, cleanupError }: Extract<ForegroundEnd, { kind: "exited" }>,
  { name }: Attended,
  context: CliContext,
): number {
  const report = { json: context.json, debug: context.settings.debug };
  if (cleanupError !== undefined) {
    reportWarning(
      `${name} has ended but could not be removed: ${cleanupError.message}; ` +
        `the next \`gantry run\` removes it`,
      context.stderr,
      report,
    );
  }
  if (timedOut) reportWarning(`${name} was killed: its --timeout was over`, context.stderr, report);
  if (outputError !== undefined) {
    throw new GantryError(
      outputError.code,
      `the output could not be written, so ${name} was killed: ${outputError.message}`,
      {
        hint: outputError.hint,
        cause: outputError,
      },
    );
  }
  if (!exit.exact) {
    reportError(
      new GantryError(
        "data_loss",
        `how ${name} ended is not known: code ${exit.code} is a guess`,
      ),
      context.stderr,
      report,
    );
  }
  return exit.code;
}

/** What comes from outside while the process is made and runs. */
class TerminalSession {
  /** True when the third INT or TERM came. */
  gaveUp = false;
  readonly #options: AttendOptions;
  readonly #attended: Attended;
  readonly #aborter = new AbortController();
  readonly #walkAway = Promise.withResolvers<never>();
  readonly #started = Promise.withResolvers<ForegroundHandle>();
  #handle: ForegroundHandle | undefined;
  #resizing: Promise<void> = Promise.resolve();
  #isCreated = false;
  #interruptedBy: Deno.Signal | undefined;

  constructor(attended: Attended, options: AttendOptions) {
    this.#attended = attended;
    this.#options = options;
    this.#walkAway.promise.catch(() => {});
  }

  /** Aborted by a signal before the start, and when the user gives up. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Rejects when the user gives up while a container is still being made or taken back: that is left to the next run. */
  get walkedAway(): Promise<never> {
    return this.#walkAway.promise;
  }

  /** 128 + the signal that ended our attention; undefined when none did. */
  get interruptedCode(): number | undefined {
    return this.#interruptedBy === undefined ? undefined : 128 + signalNumber(this.#interruptedBy);
  }

  listen(): Disposable {
    const { context, tty, sigProxy } = this.#options;
    const stack = new DisposableStack();
    if (sigProxy) {
      stack.use(
        new SignalForwarder({
          io: context.io,
          forward: (name) => this.#forward(name),
          giveUp: (name) => this.#giveUp(name),
        }),
      );
    } else {
      stack.defer(context.io.onSignal(["SIGINT", "SIGTERM", "SIGHUP"], (name) => this.#interrupt(name)));
    }
    if (tty) stack.defer(onResize(context.io, (size) => this.#resize(size)));
    return stack;
  }

  /** From now on signals are the process's: it may run before we are told that it does. */
  created(): void {
    this.#isCreated = true;
  }

  started(handle: ForegroundHandle): void {
    this.#handle = handle;
    this.#started.resolve(handle);
    const size = this.#options.tty ? terminalSize() : undefined;
    // The terminal may have changed between the spec and the start.
    if (size !== undefined) this.#resize(size);
  }

  detach(): void {
    this.#handle?.detach();
  }

  async #forward(name: Deno.Signal): Promise<void> {
    if (this.#isCreated) return await (await this.#started.promise).kill(name);
    if (name === "SIGINT" || name === "SIGTERM" || name === "SIGHUP" || name === "SIGQUIT") this.#interrupt(name);
  }

  /** One after the other: of two that are under way at once the earlier may arrive last. */
  #resize(size: TerminalSize): void {
    const handle = this.#handle;
    if (handle !== undefined) this.#resizing = this.#resizing.then(() => handle.resize(size)).catch(() => {});
  }

  #giveUp(name: Deno.Signal): void {
    this.gaveUp = true;
    if (this.#handle === undefined) {
      this.#interrupt(name);
      const { name: what, endsWithUs } = this.#attended;
      const after = endsWithUs === true ? "it is removed behind us" : "the next `gantry run` removes it";
      this.#walkAway.reject(new GantryError("cancelled", `${what}: left half made, ${after}`));
    } else {
      this.#aborter.abort();
    }
  }

  #interrupt(name: Deno.Signal): void {
    this.#interruptedBy ??= name;
    this.#aborter.abort(new GantryError("cancelled", `${this.#attended.name}: interrupted by ${name}`));
  }
}

/** Small enough that with the bytes held back before it fits into what a copy reads at once. */
const inputBytes = 32 << 10;

/** stdin as the container gets it: everything but the detach keys. */
function inputOf(keys: Uint8Array, onDetached: () => void): ByteSource {
  if (keys.length === 0) return stdinSource;
  const chunk = new Uint8Array(inputBytes);
  const reader = {
    async read(): Promise<{ done: boolean; value?: Uint8Array }> {
      const length = await stdinSource.read(chunk);
      return length === null ? { done: true } : { done: false, value: chunk.slice(0, length) };
    },
  };
  const bytes = untilDetached(reader, { keys });
  return {
    async read(buffer) {
      const next = await bytes.next();
      if (next.done !== true) {
        buffer.set(next.value);
        return next.value.length;
      }
      if (next.value === "ended") return null;
      onDetached();
      // Not the end of the input: the process goes on without us.
      return await new Promise<never>(() => {});
    },
  };
}
