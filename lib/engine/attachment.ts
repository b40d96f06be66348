import type { Clock } from "../base/clock.ts";
import { type GantryError, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { SIGKILL, signalNumber } from "../base/signals.ts";
import type { ExitStatus } from "../wire/task.ts";
import { type ByteSink, type ByteSource, copy, type CopyProgress, nowhere } from "./copy.ts";
import type { Engine, WaitOptions } from "./engine.ts";
import type { FifoReader } from "./fifo.ts";
import { ignoreEnded } from "./ignore_ended.ts";
import { untilAnswered } from "./outage.ts";
import type { AttachedStdio } from "./stdio.ts";
import type { ProcessRef, TerminalSize } from "./task_api.ts";

const log = getLogger("engine");

/** How long output may stay silent, once the process has ended, before its end is no longer waited for. */
const drainMs = 2000;
const drainPollMs = 50;
/** How long a write to a terminal that is held (ctrl-s) or a pipe that nobody empties may keep us from letting go. */
const lastWriteMs = 500;

/** Options of {@link Attachment}. */
export interface AttachmentOptions {
  /** Closed by who made it, after the attachment. */
  readonly stdio: AttachedStdio;
  readonly clock: Clock;
}

/** The streams, the signals and the end of one process, from its making until it ends or is let go of. */
export class Attachment implements AsyncDisposable {
  /** Why output could not be written, unless nobody reads it any more. */
  outputError: GantryError | undefined;
  readonly #engine: Engine;
  readonly #process: ProcessRef;
  readonly #stdio: AttachedStdio;
  readonly #clock: Clock;
  /** Aborted when it is let go of. */
  readonly #attending = new AbortController();
  /** Aborted when it has ended or is let go of: nothing more is to be asked of it. */
  readonly #over = new AbortController();
  readonly #progress: CopyProgress[] = [];
  #output: Promise<unknown> = Promise.resolve();
  #input: Promise<unknown> = Promise.resolve();
  #waiting: Promise<ExitStatus> | undefined;
  #outputHeld = false;

  constructor(engine: Engine, process: ProcessRef, { stdio, clock }: AttachmentOptions) {
    this.#engine = engine;
    this.#process = process;
    this.#stdio = stdio;
    this.#clock = clock;
  }

  /** Copies its output and waits for its end, from before it runs. */
  attach(sinks: { readonly stdout: ByteSink; readonly stderr: ByteSink }, onOutage: WaitOptions["onOutage"]): void {
    const { stdout, stderr } = this.#stdio;
    const pumps = [this.#pump(stdout, sinks.stdout)];
    if (stderr !== undefined) pumps.push(this.#pump(stderr, sinks.stderr));
    this.#output = Promise.all(pumps);
    this.#output.catch(() => {});
    this.#waiting = this.#engine.wait(this.#process, { signal: this.#attending.signal, onOutage });
    this.#waiting.catch(() => {});
  }

  /** The runtime has opened its ends of the FIFOs: at Create those of a task, at Start those of an exec. */
  established(): void {
    this.#stdio.established();
  }

  /** True when somebody who outlived the process still held its output open when it was no longer waited for. */
  get outputHeld(): boolean {
    return this.#outputHeld;
  }

  /** Passes `source` on to its stdin, to the end. */
  forwardStdin(source: ByteSource | undefined): void {
    const sink = this.#stdio.stdin;
    if (source === undefined || sink === undefined) return;
    this.#input = copy(source, sink)
      .catch((error: unknown) => {
        // BadResource: our end was closed under the copy, for the process has ended.
        if (!(error instanceof Deno.errors.BadResource)) log.warning("stdin cannot be read on", { error });
      })
      .then(() => this.#endStdin());
    this.#input.catch(() => {});
  }

  /** Signals its first process; one that has ended is no error. */
  async kill(signal: string | number): Promise<void> {
    const options = { patient: true, signal: this.#over.signal };
    await ignoreEnded(this.#engine.kill(this.#process, { signal: signalNumber(String(signal)) }, options));
  }

  /** Follows the size of the terminal. */
  async resize(size: TerminalSize): Promise<void> {
    await ignoreEnded(this.#engine.resizePty(this.#process, size, { patient: true, signal: this.#over.signal }));
  }

  /** Lets go of it: {@link exit} then resolves to undefined. */
  detach(): void {
    this.#attending.abort();
  }

  /** How it ended, once its output has been passed on too; undefined when it was let go of. */
  async exit(): Promise<ExitStatus | undefined> {
    if (this.#waiting === undefined) throw new TypeError("nobody is attached");
    try {
      const exit = await this.#waiting;
      this.#over.abort();
      await this.#drained();
      return exit;
    } catch (error) {
      if (!this.#attending.signal.aborted) throw error;
      this.#over.abort();
      await this.#stopReading();
      return undefined;
    }
  }

  /** Leaves the FIFOs to somebody else. */
  keepFifos(): void {
    this.#stdio.keepFifos();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#attending.abort();
    this.#over.abort();
    this.#stdio.closeStdin();
    await this.#stopReading();
  }

  async #endStdin(): Promise<void> {
    this.#stdio.closeStdin();
    // The shim holds a write end of its own: without this call the process never reads the end.
    const { signal } = this.#over;
    const call = (): Promise<void> => this.#engine.closeStdin(this.#process, { patient: true, signal });
    await ignoreEnded(untilAnswered(call, { clock: this.#clock, signal }));
  }

  async #pump(source: FifoReader, sink: ByteSink): Promise<void> {
    const progress: CopyProgress = { bytes: 0, writing: false };
    this.#progress.push(progress);
    try {
      await copy(source, sink, progress);
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) this.outputError ??= toGantryError(error);
      progress.writing = false;
      const killed = this.#killAll();
      // Still read, though for nobody: the shim does not let go of a task while its output is stuck.
      await Promise.all([killed, copy(source, nowhere, progress)]);
    }
  }

  /** Nobody can read its output any more, and it would never know. */
  async #killAll(): Promise<void> {
    const { signal } = this.#over;
    // With `--pid host` others would outlive the first; an exec is only one of many.
    const request = { signal: SIGKILL, all: this.#process.execId === undefined };
    const call = (): Promise<void> => this.#engine.kill(this.#process, request, { patient: true, signal });
    await ignoreEnded(untilAnswered(call, { clock: this.#clock, signal })).catch((error: unknown) => {
      if (!signal.aborted) log.warning("a container whose output nobody reads could not be killed", { error });
    });
  }

  /**
   * Waits for the ends of the streams. A process that outlives its container's first (`--pid host`) may hold them open for
   * ever: silence ends the waiting, a slow reader of ours does not.
   */
  async #drained(): Promise<void> {
    const done = new AbortController();
    const ended = this.#output.finally(() => done.abort());
    const total = (): number => this.#progress.reduce((sum, { bytes }) => sum + bytes, 0);
    let before = total();
    let silentSince = this.#clock.monotonic();
    while (!done.signal.aborted && this.#clock.monotonic() - silentSince < drainMs) {
      await Promise.race([ended, this.#clock.sleep(drainPollMs, { signal: done.signal }).catch(() => {})]);
      const now = total();
      if (now !== before || this.#progress.some(({ writing }) => writing)) silentSince = this.#clock.monotonic();
      before = now;
    }
    this.#outputHeld = !done.signal.aborted;
    await this.#stopReading();
  }

  async #stopReading(): Promise<void> {
    this.#stdio.stdout.stop();
    this.#stdio.stderr?.stop();
    const done = new AbortController();
    const late = this.#clock.sleep(lastWriteMs, { signal: done.signal }).catch(() => {});
    await Promise.race([this.#output, late]).finally(() => done.abort());
  }
}
