import { type Clock, systemClock } from "../base/clock.ts";
import { isCode, toGantryError } from "../base/errors.ts";
import { signalNumber } from "../base/signals.ts";
import type { ExitStatus } from "../wire/task.ts";
import { AttachedStdio } from "./stdio.ts";
import { type ByteSink, type ByteSource, copy, type CopyProgress } from "./copy.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { Engine, WaitOptions } from "./engine.ts";
import type { ProcessRef, TerminalSize } from "./task_api.ts";

/** The streams of whoever runs a container in the foreground. */
export interface ForegroundStreams {
  /** Undefined for no stdin. Its end is passed on. */
  readonly stdin?: ByteSource | undefined;
  /** Gets stdout, or all that a terminal shows. */
  readonly stdout: ByteSink;
  /** Gets stderr; nothing with a terminal. */
  readonly stderr: ByteSink;
}

/** A started container, for what comes from outside meanwhile. */
export interface ForegroundHandle {
  /** Its pid on the host. */
  readonly pid: number;
  /** Signals its first process; one that has ended is no error. */
  kill(signal: string | number): Promise<void>;
  /** Follows the size of the terminal. */
  resize(size: TerminalSize): Promise<void>;
  /** Stops attending to it; the container goes on. */
  detach(): void;
}

/** Options of {@link runForeground}. */
export interface ForegroundOptions extends Pick<WaitOptions, "onOutage"> {
  /** Before the start: cancels and undoes. After it: stops attending, the container goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the process has been started. */
  readonly onStarted?: ((handle: ForegroundHandle) => void) | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** How a foreground run ended. */
export type ForegroundEnd =
  | { readonly kind: "exited"; readonly exit: ExitStatus; readonly outputError?: Error | undefined }
  /** The container goes on; its streams wait in the FIFOs. */
  | { readonly kind: "detached" };

/** How long output may stay silent, once the process has ended, before its end is no longer waited for. */
const drainMs = 2000;
const drainPollMs = 50;

/**
 * Makes, runs and attends a container until it ends, and removes it when it is to be removed. Whatever fails before it
 * runs is undone. When nobody reads its output any more (`| head -1`) it is killed, as a pipeline would: left alone, it
 * would block for ever on a full pipe.
 */
export async function runForeground(
  engine: Engine,
  plan: ContainerPlan,
  streams: ForegroundStreams,
  options: ForegroundOptions = {},
): Promise<ForegroundEnd> {
  const { signal, clock = systemClock } = options;
  const process: ProcessRef = { containerId: plan.id };
  await using stdio = await AttachedStdio.open(plan.paths.run, {
    stdin: streams.stdin !== undefined,
    terminal: plan.spec.process?.terminal === true,
  });
  const { pid } = await engine.create(plan, stdio.paths, { signal });
  stdio.established();
  const attending = new AbortController();
  const session = new Session(engine, process, attending);
  const output = session.pump(stdio, streams);
  try {
    // On the wire before Start: an exit cannot slip between the two.
    const waiting = engine.wait(process, { signal: attending.signal, onOutage: options.onOutage });
    waiting.catch(() => {});
    await startOrUndo(engine, plan, signal);
    session.forwardStdin(stdio, streams.stdin);
    options.onStarted?.(session.handle(pid));
    signal?.addEventListener("abort", () => attending.abort(), { once: true });
    const exit = await waiting;
    await drained(output, session.progress, clock);
    if (plan.autoRemove) await engine.finish(plan);
    return { kind: "exited", exit, outputError: session.outputError };
  } catch (error) {
    if (attending.signal.aborted && session.started) return { kind: "detached" };
    throw error;
  }
}

const nowhere: ByteSink = { write: (bytes) => Promise.resolve(bytes.length) };

/** One process being attended to. */
class Session {
  /** True once the process runs. */
  started = false;
  /** Why output could not be written, unless nobody reads it any more. */
  outputError: Error | undefined;
  readonly progress: CopyProgress[] = [];
  readonly #engine: Engine;
  readonly #process: ProcessRef;
  readonly #attending: AbortController;

  constructor(engine: Engine, process: ProcessRef, attending: AbortController) {
    this.#engine = engine;
    this.#process = process;
    this.#attending = attending;
  }

  handle(pid: number): ForegroundHandle {
    this.started = true;
    return {
      pid,
      kill: (signal) => this.#kill(signalNumber(String(signal))),
      resize: (size) => this.#engine.resizePty(this.#process, size).catch(ignoreEnded),
      detach: () => this.#attending.abort(),
    };
  }

  pump(stdio: AttachedStdio, streams: ForegroundStreams): Promise<unknown> {
    const pumps = [this.#pumpOne(stdio.stdout, streams.stdout)];
    if (stdio.stderr !== undefined) pumps.push(this.#pumpOne(stdio.stderr, streams.stderr));
    return Promise.all(pumps);
  }

  forwardStdin(stdio: AttachedStdio, source: ByteSource | undefined): void {
    const sink = stdio.stdin;
    if (source === undefined || sink === undefined) return;
    copy(source, sink)
      .catch((error: unknown) => {
        // The process ended and our end was closed under the copy: there is nobody to tell.
        if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) throw error;
      })
      .finally(() => stdio.closeStdin())
      // The shim holds a write end of its own: without this call the process never reads the end.
      .then(() => this.#engine.closeStdin(this.#process))
      .catch(() => {});
  }

  async #pumpOne(source: ByteSource, sink: ByteSink): Promise<void> {
    const progress: CopyProgress = { bytes: 0, writing: false };
    this.progress.push(progress);
    try {
      await copy(source, sink, progress);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (!(error instanceof Deno.errors.BrokenPipe)) this.outputError ??= toGantryError(error);
      progress.writing = false;
      await this.#kill(signalNumber("KILL"));
      // Still read, though for nobody: the shim does not let go of a task while its output is stuck.
      await copy(source, nowhere).catch(() => {});
    }
  }

  async #kill(signal: number): Promise<void> {
    await this.#engine.kill(this.#process, { signal }).catch(ignoreEnded);
  }
}

async function startOrUndo(engine: Engine, plan: ContainerPlan, signal: AbortSignal | undefined): Promise<void> {
  try {
    await engine.start({ containerId: plan.id }, { signal });
  } catch (error) {
    await engine.remove(plan.id, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Waits for the ends of the streams. A process that outlives its container's first (`--pid host`) may hold them open for
 * ever: silence ends the waiting, a slow reader of ours does not.
 */
async function drained(output: Promise<unknown>, progress: readonly CopyProgress[], clock: Clock): Promise<void> {
  const done = new AbortController();
  const ended = output.finally(() => done.abort());
  const total = (): number => progress.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = total();
  let silentSince = clock.monotonic();
  while (!done.signal.aborted && clock.monotonic() - silentSince < drainMs) {
    await Promise.race([ended, clock.sleep(drainPollMs, { signal: done.signal }).catch(() => {})]);
    const now = total();
    if (now !== before || progress.some(({ writing }) => writing)) silentSince = clock.monotonic();
    before = now;
  }
}

function ignoreEnded(error: unknown): void {
  if (!isCode(error, "not_found") && !isCode(error, "failed_precondition")) throw error;
}
