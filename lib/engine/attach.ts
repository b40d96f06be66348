import { type Clock, systemClock } from "../base/clock.ts";
import { GantryError, isCode, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { hasOpen } from "../base/open_files.ts";
import { signalNumber } from "../base/signals.ts";
import type { ForegroundEnd, ForegroundOptions, ForegroundStreams } from "./attend_process.ts";
import type { ContainerPlan } from "./container_plan.ts";
import { copy } from "./copy.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import { FifoWriter } from "./fifo.ts";
import { FileFollower } from "./file_follower.ts";
import { ignoreEnded } from "./ignore_ended.ts";
import { type OutputFiles, outputFiles } from "./output_files.ts";
import type { ProcessState, TerminalSize } from "./task_api.ts";

const log = getLogger("engine");

/** How long files may stay as they are, once the container has ended, before their writers are no longer waited for. */
const silentMs = 2000;
const pollMs = 5;

/** A running container that can be attached to. */
export interface Attachable {
  /** Its id. */
  readonly id: string;
  /** Pid of its first process on the host. */
  readonly pid: number;
  /** It has a terminal. */
  readonly terminal: boolean;
  /** The FIFO of its stdin; undefined when it has none. */
  readonly stdin: string | undefined;
  /** Where its output goes. */
  readonly output: OutputFiles;
}

/** Finds the streams of a running container. `failed_precondition` when it does not run, or somebody else has its output. */
export async function findAttachable(
  engine: Engine,
  plan: ContainerPlan,
  { signal }: VerbOptions = {},
): Promise<Attachable> {
  const { id, name } = plan;
  const state = await engine.state({ containerId: id }, { signal }).catch((error: unknown) => {
    if (isCode(error, "not_found")) return undefined;
    throw error;
  });
  if (state === undefined || state.status !== "running") throw refusal(name, state);
  const { pid, stdio } = state;
  const output = await outputFiles(plan, state);
  return { id, pid, terminal: stdio.terminal, stdin: stdio.stdin === "" ? undefined : stdio.stdin, output };
}

function refusal(name: string, state: ProcessState | undefined): GantryError {
  switch (state?.status) {
    case "paused":
    case "pausing":
      return new GantryError("failed_precondition", `container ${name} is paused`, {
        hint: `let it go on: gantry resume ${name}`,
      });
    case "unknown":
      return new GantryError("failed_precondition", `the shim of container ${name} does not answer`, {
        hint: `remove the container by force: gantry rm -f ${name}`,
      });
    default:
      return new GantryError("failed_precondition", `container ${name} does not run`, {
        hint: `start it and attach to it: gantry start -a ${name}`,
      });
  }
}

/**
 * Attends to a container that was left alone: follows its output from where it is now, to its end, and passes `stdin` on.
 * Any number may do that at once. The end of `stdin`, and readers who have gone, end nothing but their own part: the
 * container goes on.
 */
export async function attachContainer(
  engine: Engine,
  target: Attachable,
  { streams, ...options }: ForegroundOptions & { readonly streams: ForegroundStreams },
): Promise<ForegroundEnd> {
  const { signal, onCreated, onOutage, clock = systemClock } = options;
  using session = new AttachSession(engine, target, clock);
  const detach = (): void => session.detach();
  signal?.addEventListener("abort", detach, { once: true });
  if (signal?.aborted) detach();
  session.attach(streams, onOutage);
  await onCreated?.(target.pid);
  options.onStarted?.({
    pid: target.pid,
    kill: (name) => session.kill(name),
    resize: (size) => session.resize(size),
    detach,
  });
  const end = await session.end();
  signal?.removeEventListener("abort", detach);
  if (end.kind === "detached") await options.onDetached?.(undefined);
  return end;
}

class AttachSession implements Disposable {
  readonly #engine: Engine;
  readonly #target: Attachable;
  readonly #clock: Clock;
  readonly #attending = new AbortController();
  readonly #resources = new DisposableStack();
  readonly #followers: FileFollower[] = [];
  #ended: Promise<ForegroundEnd> | undefined;
  #output: Promise<unknown> = Promise.resolve();
  #outputError: GantryError | undefined;
  #wasResized = false;

  constructor(engine: Engine, target: Attachable, clock: Clock) {
    this.#engine = engine;
    this.#target = target;
    this.#clock = clock;
  }

  attach(streams: ForegroundStreams, onOutage: ForegroundOptions["onOutage"]): void {
    const { stdout, stderr } = this.#target.output;
    const pumps = [this.#follow(stdout, streams.stdout)];
    if (stderr !== undefined) pumps.push(this.#follow(stderr, streams.stderr));
    this.#output = Promise.all(pumps);
    this.#ended = this.#untilEnded(onOutage);
    this.#ended.catch(() => {});
    this.#forwardStdin(streams.stdin);
  }

  detach(): void {
    this.#attending.abort();
  }

  /** One that has ended needs no signal. */
  async kill(name: string | number): Promise<void> {
    const call = this.#engine.kill(this.#ref, { signal: signalNumber(String(name)) }, this.#patient);
    await ignoreEnded(call);
  }

  async resize({ width, height }: TerminalSize): Promise<void> {
    // The kernel tells the program of a change only: another size first, and it draws its screen again for us.
    if (!this.#wasResized) {
      await ignoreEnded(this.#engine.resizePty(this.#ref, { width: width + 1, height: height + 1 }, this.#patient));
    }
    this.#wasResized = true;
    await ignoreEnded(this.#engine.resizePty(this.#ref, { width, height }, this.#patient));
  }

  async end(): Promise<ForegroundEnd> {
    if (this.#ended === undefined) throw new TypeError("nobody is attached");
    try {
      return await this.#ended;
    } catch (error) {
      if (this.#outputError !== undefined) throw this.#outputError;
      if (!this.#attending.signal.aborted) throw error;
      return { kind: "detached" };
    }
  }

  [Symbol.dispose](): void {
    this.#attending.abort();
    this.#resources.dispose();
  }

  get #ref(): { readonly containerId: string } {
    return { containerId: this.#target.id };
  }

  get #patient(): VerbOptions {
    return { patient: true, signal: this.#attending.signal };
  }

  async #untilEnded(onOutage: ForegroundOptions["onOutage"]): Promise<ForegroundEnd> {
    const { signal } = this.#attending;
    const exit = await this.#engine.wait(this.#ref, { signal, onOutage });
    await this.#untilWritten();
    for (const follower of this.#followers) follower.end();
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
    signal.throwIfAborted();
    await Promise.race([this.#output, aborted.promise]);
    return { kind: "exited", exit, timedOut: false };
  }

  async #follow(path: string, sink: ForegroundStreams["stdout"]): Promise<void> {
    const follower = this.#resources.use(new FileFollower(path, { clock: this.#clock }));
    this.#followers.push(follower);
    try {
      await copy(follower, sink);
    } catch (error) {
      // Nobody reads ours any more: others may, and the files are still written.
      if (!(error instanceof Deno.errors.BrokenPipe)) this.#outputError ??= toGantryError(error);
      this.detach();
    }
  }

  #forwardStdin(source: ForegroundStreams["stdin"]): void {
    const { stdin } = this.#target;
    if (source === undefined || stdin === undefined) return;
    const sink = this.#resources.use(new FifoWriter(stdin));
    copy(source, sink).catch((error: unknown) => {
      // BadResource: our end was closed under the copy, for we are done.
      if (!(error instanceof Deno.errors.BadResource)) log.warning("stdin cannot be read on", { error });
    });
  }

  /**
   * The exit of a process is told before all it wrote has been passed on; whoever passes it on closes the files then. A
   * process that outlives its container's first (`--pid host`) may keep them open for ever: silence ends the waiting.
   */
  async #untilWritten(): Promise<void> {
    const { stdout, stderr, writers } = this.#target.output;
    const paths = stderr === undefined ? [stdout] : [stdout, stderr];
    const size = (): number => this.#followers.reduce((sum, follower) => sum + follower.size, 0);
    let before = size();
    let silentSince = this.#clock.monotonic();
    while (writers.some((pid) => hasOpen(pid, paths)) && this.#clock.monotonic() - silentSince < silentMs) {
      await this.#clock.sleep(pollMs, { signal: this.#attending.signal });
      const now = size();
      if (now !== before) silentSince = this.#clock.monotonic();
      before = now;
    }
  }
}
