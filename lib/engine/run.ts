import { type Clock, systemClock } from "../base/clock.ts";
import { type GantryError, toGantryError } from "../base/errors.ts";
import type { ExitStatus } from "../wire/task.ts";
import { Attachment } from "./attachment.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { ByteSink, ByteSource } from "./copy.ts";
import type { Engine, WaitOptions } from "./engine.ts";
import { makeAndStart } from "./make_and_start.ts";
import { AttachedStdio } from "./stdio.ts";
import type { TerminalSize } from "./task_api.ts";

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
  /** Called with its pid before it runs; when it fails, the container is undone. */
  readonly onCreated?: ((pid: number) => Promise<void>) | undefined;
  /** Called when the process has been started. */
  readonly onStarted?: ((handle: ForegroundHandle) => void) | undefined;
  /**
   * Called when it is no longer attended to, to find somebody else who reads its FIFOs: nothing is lost, for they stay open
   * and are not read until this resolves. Default: nobody, and the container blocks once its FIFOs are full.
   */
  readonly onDetached?: (() => Promise<void>) | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** How a foreground run ended. */
export type ForegroundEnd =
  | {
    readonly kind: "exited";
    readonly exit: ExitStatus;
    /** Why output could not be written; the container was killed then. */
    readonly outputError?: GantryError | undefined;
    /** Why a container that was to be removed could not be; it is when the next one is made. */
    readonly cleanupError?: GantryError | undefined;
  }
  /** The container goes on. */
  | { readonly kind: "detached" };

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
  const { signal, onCreated, onOutage, clock = systemClock } = options;
  await using resources = new AsyncDisposableStack();
  let attachment: Attachment | undefined;
  const { pid } = await makeAndStart(engine, plan, {
    signal,
    openStdio: async () => {
      const stdin = streams.stdin !== undefined;
      const terminal = plan.spec.process?.terminal === true;
      const stdio = resources.use(await AttachedStdio.open(plan.paths.run, { stdin, terminal }));
      attachment = resources.use(new Attachment(engine, plan, { stdio, clock }));
      return stdio.paths;
    },
    async created(pid) {
      await onCreated?.(pid);
      // On the wire before Start: an exit cannot slip between the two.
      attachment?.attach(streams, onOutage);
    },
  });
  if (attachment === undefined) throw new TypeError("a container was made without stdio");
  const attended = attachment;
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
  if (exit === undefined) {
    attended.keepFifos();
    await options.onDetached?.();
    return { kind: "detached" };
  }
  const cleanupError = plan.autoRemove ? await failureOf(engine.finish(plan, { signal })) : undefined;
  return { kind: "exited", exit, outputError: attended.outputError, cleanupError };
}

async function failureOf(work: Promise<void>): Promise<GantryError | undefined> {
  return await work.then(() => undefined, toGantryError);
}
