import { type Clock, systemClock } from "../base/clock.ts";
import type { GantryError } from "../base/errors.ts";
import type { ExitStatus } from "../wire/task.ts";
import { Attachment } from "./attachment.ts";
import type { ByteSink, ByteSource } from "./copy.ts";
import type { Engine, FinishOptions, WaitOptions } from "./engine.ts";
import type { MakeSteps } from "./make_and_start.ts";
import { AttachedStdio } from "./stdio.ts";
import type { ProcessRef, TerminalSize } from "./task_api.ts";
import { TimeLimit } from "./time_limit.ts";

/** 128 + KILL. */
const killedCode = 137;

/** The streams of whoever attends to a process in the foreground. */
export interface ForegroundStreams {
  /** Undefined for no stdin. Its end is passed on. */
  readonly stdin?: ByteSource | undefined;
  /** Gets stdout, or all that a terminal shows. */
  readonly stdout: ByteSink;
  /** Gets stderr; nothing with a terminal. */
  readonly stderr: ByteSink;
}

/** A started process, for what comes from outside meanwhile. */
export interface ForegroundHandle {
  /** Its pid on the host. */
  readonly pid: number;
  /** Signals it; one that has ended is no error. */
  kill(signal: string | number): Promise<void>;
  /** Follows the size of the terminal. */
  resize(size: TerminalSize): Promise<void>;
  /** Stops attending to it; it goes on. */
  detach(): void;
}

/** Options of attending to a process. */
export interface ForegroundOptions extends Pick<WaitOptions, "onOutage"> {
  /** Before the start: cancels and undoes. After it: stops attending, the process goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Called with its pid before it runs (0 for an exec); when it fails, what was made is undone. */
  readonly onCreated?: ((pid: number) => Promise<void>) | undefined;
  /** Called when the process has been started. */
  readonly onStarted?: ((handle: ForegroundHandle) => void) | undefined;
  /**
   * Called when it is no longer attended to, to find somebody else who reads its FIFOs: nothing is lost, for they stay open
   * and are not read until this resolves. Default: nobody, and the process blocks once its FIFOs are full. Gets what is left
   * of its time limit in milliseconds, for somebody else to see to.
   */
  readonly onDetached?: ((timeoutMs: number | undefined) => Promise<void>) | undefined;
  /** Of a container that goes away with its end: see {@link FinishOptions.heir}. */
  readonly heir?: FinishOptions["heir"];
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** How attending to a process ended. */
export type ForegroundEnd =
  | {
    readonly kind: "exited";
    readonly exit: ExitStatus;
    /** True when it was killed because its time was over. */
    readonly timedOut: boolean;
    /** True when a process it left behind holds its output open: what that one writes is not shown any more. */
    readonly outputHeld?: boolean | undefined;
    /** Why output could not be written; the process was killed then. */
    readonly outputError?: GantryError | undefined;
    /** Why what was to be removed could not be; it is when the next container is made. */
    readonly cleanupError?: GantryError | undefined;
  }
  /** The process goes on. */
  | { readonly kind: "detached" };

/** A process that is made to be attended to. */
export interface AttendedProcess {
  readonly ref: ProcessRef;
  /** Where its FIFOs are made; removed with them. */
  readonly directory: string;
  /** It has a terminal. */
  readonly terminal: boolean;
  /** Its container is killed so many milliseconds after the start; undefined for never. */
  readonly timeoutMs?: number | undefined;
  /** Makes and starts it with the steps in between; undoes it when one fails. */
  begin(steps: MakeSteps): Promise<{ readonly pid: number }>;
}

/**
 * Makes and starts a process and attends to it until it ends or is let go of. When nobody reads its output any more
 * (`| head -1`) it is killed, as a pipeline would: left alone, it would block for ever on a full pipe.
 */
export async function attendProcess(
  engine: Engine,
  process: AttendedProcess,
  { streams, ...options }: ForegroundOptions & { readonly streams: ForegroundStreams },
): Promise<ForegroundEnd> {
  const { signal, onCreated, onOutage, clock = systemClock } = options;
  await using resources = new AsyncDisposableStack();
  let attachment: Attachment | undefined;
  const { pid } = await process.begin({
    signal,
    openStdio: async () => {
      const request = { stdin: streams.stdin !== undefined, terminal: process.terminal };
      const stdio = resources.use(await AttachedStdio.open(process.directory, request));
      attachment = resources.use(new Attachment(engine, process.ref, { stdio, clock }));
      return stdio.paths;
    },
    async created(pid) {
      await onCreated?.(pid);
      // On the wire before Start: an exit cannot slip between the two.
      attachment?.attach(streams, onOutage);
    },
  });
  if (attachment === undefined) throw new TypeError("a process was made without stdio");
  const attended = attachment;
  attended.established();
  const { ref: { containerId }, timeoutMs } = process;
  using limit = timeoutMs === undefined ? undefined : new TimeLimit(engine, containerId, { ms: timeoutMs, clock });
  const detach = (): void => attended.detach();
  signal?.addEventListener("abort", detach, { once: true });
  // It may have been aborted between the start and here.
  if (signal?.aborted) detach();
  attended.forwardStdin(streams.stdin);
  options.onStarted?.({
    pid,
    kill: (name) => attended.kill(name),
    resize: (size) => attended.resize(size),
    detach,
  });
  const exit = await attended.exit();
  signal?.removeEventListener("abort", detach);
  if (exit !== undefined) {
    // One that ended by itself at that moment was not killed.
    const timedOut = limit?.isExceeded === true && exit.code === killedCode;
    const { outputError, outputHeld } = attended;
    return { kind: "exited", exit, timedOut, outputError, outputHeld };
  }
  attended.keepFifos();
  await options.onDetached?.(limit?.leftMs);
  return { kind: "detached" };
}
