/** A container in the foreground of a terminal or a script: streams, signals, size, detach keys. */
import { GantryError } from "../base/errors.ts";
import type { ByteSource } from "../engine/copy.ts";
import type { ContainerPlan } from "../engine/container_plan.ts";
import type { Engine } from "../engine/engine.ts";
import { type ForegroundHandle, runForeground } from "../engine/run.ts";
import { shortId } from "../wire/identifier.ts";
import type { CliContext } from "./context.ts";
import { parseDetachKeys, untilDetached } from "./detach_keys.ts";
import { startKeeper } from "./keeper.ts";
import { reportError } from "./report.ts";
import { SignalForwarder } from "./signal_forwarder.ts";
import { onResize, RawTerminal, terminalSize } from "./terminal.ts";

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
  /** Called with its pid once it runs. */
  readonly onStarted: (pid: number) => Promise<void>;
}

/** Exit code when the user gave up on the container: docker's. */
const gaveUp = 1;

/** Runs `plan` and attends to it; resolves to the exit code of gantry. */
export async function attend(engine: Engine, plan: ContainerPlan, options: AttendOptions): Promise<number> {
  const { context, tty, interactive } = options;
  const keys = parseDetachKeys(tty ? options.detachKeys : "");
  await using cleanup = new AsyncDisposableStack();
  const session = new TerminalSession(plan, options);
  cleanup.use(session.listen());
  const raw = tty && interactive && Deno.stdin.isTerminal();
  if (raw) cleanup.use(new RawTerminal({ io: context.io, endOnSignals: !options.sigProxy }));
  const stdin = interactive ? inputOf(keys, () => session.detach()) : undefined;
  const end = await runForeground(engine, plan, { stdin, stdout: Deno.stdout, stderr: Deno.stderr }, {
    signal: session.signal,
    clock: context.clock,
    onStarted: (handle) => session.started(handle),
    onOutage: (cause) => {
      if (context.settings.verbose) context.note(`gantry: ${cause.message}; the container goes on, waiting`);
    },
  });
  await session.settled();
  await cleanup.disposeAsync();
  if (end.kind === "detached") {
    await startKeeper(plan, context);
    context.note(`gantry: container ${plan.name} goes on; \`gantry rm -f ${plan.name}\` ends it`);
    return session.gaveUp ? gaveUp : 0;
  }
  if (end.outputError !== undefined) {
    throw new GantryError("unknown", `the output could not be written: ${end.outputError.message}`, {
      hint: "the container was killed, for it could not go on",
      cause: end.outputError,
    });
  }
  if (!end.exit.exact) {
    const lost = new GantryError("data_loss", `how container ${shortId(plan.id)} ended is not known`);
    reportError(lost, context.stderr, { json: context.json, debug: context.settings.debug });
  }
  return end.exit.code;
}

/** What comes from outside while the container is made and runs. */
class TerminalSession {
  /** True when the third INT or TERM came. */
  gaveUp = false;
  readonly #options: AttendOptions;
  readonly #plan: ContainerPlan;
  readonly #aborter = new AbortController();
  #handle: ForegroundHandle | undefined;
  #afterStart: Promise<void> = Promise.resolve();

  constructor(plan: ContainerPlan, options: AttendOptions) {
    this.#plan = plan;
    this.#options = options;
  }

  /** Aborted by a signal before the start, and when the user gives up. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  listen(): Disposable {
    const { context, tty, sigProxy } = this.#options;
    const stack = new DisposableStack();
    if (sigProxy) {
      stack.use(
        new SignalForwarder({
          io: context.io,
          forward: (name) => this.#forward(name),
          giveUp: (name) => {
            this.gaveUp = true;
            this.#abort(name);
          },
        }),
      );
    } else {
      stack.defer(context.io.onSignal(["SIGINT", "SIGTERM", "SIGHUP"], (name) => this.#abort(name)));
    }
    if (tty) stack.defer(onResize(context.io, (size) => void this.#handle?.resize(size).catch(() => {})));
    return stack;
  }

  started(handle: ForegroundHandle): void {
    this.#handle = handle;
    this.#afterStart = this.#options.onStarted(handle.pid);
    const size = this.#options.tty ? terminalSize() : undefined;
    // The terminal may have changed between the spec and the start.
    if (size !== undefined) handle.resize(size).catch(() => {});
  }

  detach(): void {
    this.#handle?.detach();
  }

  /** Resolves when what is done at the start has been done; rejects with its error. */
  settled(): Promise<void> {
    return this.#afterStart;
  }

  async #forward(name: Deno.Signal): Promise<void> {
    if (this.#handle !== undefined) return await this.#handle.kill(name);
    if (name === "SIGINT" || name === "SIGTERM" || name === "SIGHUP" || name === "SIGQUIT") this.#abort(name);
  }

  #abort(name: Deno.Signal): void {
    this.#aborter.abort(new GantryError("cancelled", `container ${this.#plan.name}: interrupted by ${name}`));
  }
}

/** stdin as the container gets it: everything but the detach keys. */
function inputOf(keys: Uint8Array, onDetached: () => void): ByteSource {
  if (keys.length === 0) return Deno.stdin;
  const chunk = new Uint8Array(64 << 10);
  const reader = {
    async read(): Promise<{ done: boolean; value?: Uint8Array }> {
      const length = await Deno.stdin.read(chunk);
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
