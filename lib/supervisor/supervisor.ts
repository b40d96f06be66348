import { removeStaleTemporaries } from "../base/atomic_file.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { GantryError, isCode, messageOf } from "../base/errors.ts";
import { acquireLock, type Lock, lockHolder } from "../base/lock.ts";
import { getLogger } from "../base/log.ts";
import { type ProcessIdentity, readIdentity } from "../base/proc.ts";
import { prepareDirectories } from "./directories.ts";
import { reportHang } from "./hang_report.ts";
import { holderIdentity, holderText } from "./holder.ts";
import { ContainerdLauncher } from "./launcher.ts";
import { Lifecycle } from "./lifecycle.ts";
import { LogFollower } from "./log_follower.ts";
import type { EndReason } from "./machine.ts";
import { checkOptions, type SupervisorOptions } from "./options.ts";
import { type InstancePaths, instancePaths } from "./paths.ts";
import { connectProbe, loadProbe } from "./probe.ts";
import { readProgress } from "./progress.ts";
import { failureReport } from "./report.ts";
import { instanceState, type SupervisorStatus } from "./status.ts";
import { StatusWriter } from "./status_writer.ts";
import { processAge } from "./uptime.ts";

/** What a {@link Supervisor} gets from its surroundings. */
export interface SupervisorContext {
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /**
   * Awaited between the death of containerd and the start of the next one, for what only lives in between, such as exit
   * codes that shims still know. Its signal is aborted when the time is over or the supervisor is stopped.
   */
  readonly beforeRestart?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** The time of `beforeRestart`, milliseconds; default 5000. */
  readonly beforeRestartMs?: number | undefined;
}

/** How a supervisor has ended. */
export interface SupervisorEnd {
  /** `stopped`: somebody asked for it. The others are failures. */
  readonly reason: EndReason["reason"];
  /** What happened, with the last lines of containerd's log; undefined after a stop. */
  readonly report?: string | undefined;
  /** The same as an error. */
  readonly error?: GantryError | undefined;
}

const log = getLogger("supervisor");

/** Keeps one containerd alive. One of them holds a state directory at a time. */
export class Supervisor implements AsyncDisposable {
  readonly #paths: InstancePaths;
  readonly #lock: Lock;
  readonly #self: ProcessIdentity;
  readonly #launcher: ContainerdLauncher;
  readonly #lifecycle: Lifecycle;
  readonly #writer: StatusWriter;
  readonly #follower: LogFollower;
  readonly #following = new AbortController();
  #followed: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<(status: SupervisorStatus) => void>();
  readonly #serving = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<SupervisorEnd>();
  #report: string | undefined;

  /**
   * Takes the state directory: makes and checks the directories, and locks them. Nothing runs yet.
   * Fails with `failed_precondition`, naming the holder's pid, when another supervisor has it; with `permission_denied`
   * when somebody else could write to it; with `invalid_argument` for options that cannot be meant.
   */
  static async open(options: SupervisorOptions, context: SupervisorContext = {}): Promise<Supervisor> {
    checkOptions(options);
    const paths = instancePaths(options);
    await prepareDirectories(paths);
    const self = await readIdentity(Deno.pid);
    if (self === undefined) throw new GantryError("internal", "cannot read who this process is from /proc");
    const lock = await lockInstance(paths, self);
    try {
      for (const directory of [paths.state, paths.logDirectory]) await removeStaleTemporaries(directory);
      return new Supervisor({ options, context, paths, lock, self });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Use {@link Supervisor.open}. */
  constructor({ options, context, paths, lock, self }: Taken) {
    const { clock = systemClock, beforeRestart, beforeRestartMs = 5000 } = context;
    const { logMaxBytes: maxBytes, logMaxFiles: maxFiles } = options;
    this.#paths = paths;
    this.#lock = lock;
    this.#self = self;
    this.#writer = new StatusWriter(paths.status);
    this.#follower = new LogFollower({ path: paths.log, maxBytes, maxFiles, clock });
    this.#launcher = new ContainerdLauncher(options, { paths, clock });
    this.#lifecycle = new Lifecycle(options, {
      clock,
      launcher: this.#launcher,
      connect: () => connectProbe(paths.address),
      hasSocket: () => exists(paths.address),
      progress: (child) => readProgress(child.identity.pid, paths.log),
      examine: (child, reason) => reportHang(child, { paths, clock, reason }),
      beforeRestart,
      beforeRestartMs,
      changed: () => this.#changed(),
      finish: (end) => void this.#finish(end),
    });
    // Whoever only waits for the end is not obliged to wait for the beginning.
    this.#serving.promise.catch(() => {});
  }

  /** Resolves once, when the supervisor has let go of everything. Never rejects. */
  get ended(): Promise<SupervisorEnd> {
    return this.#ended.promise;
  }

  /**
   * Adopts the containerd that runs already or starts one, and resolves when it serves and all that gantry needs of it
   * works. Fails with the report of why it does not; then nothing is left of it. To be called once.
   */
  async start(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<SupervisorStatus> {
    const { signal } = options;
    const onAbort = (): void => void this.stop();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#followed = this.#follower.run(this.#following.signal);
      this.#lifecycle.dispatch({ type: "start" });
      // Meanwhile; a failure is met again where it matters.
      loadProbe().catch(() => {});
      if (signal?.aborted) onAbort();
      await this.#serving.promise;
      return this.status();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends containerd (TERM, the stop timeout, KILL) and lets go of the state directory. Containers go on running. */
  async stop(): Promise<SupervisorEnd> {
    this.#lifecycle.dispatch({ type: "stop" });
    return await this.ended;
  }

  /** What it is doing now. */
  status(): SupervisorStatus {
    const { state, child, version, restarts, delayMs, lastFailure } = this.#lifecycle;
    const { address, config, log: logFile } = this.#paths;
    return {
      state: instanceState(state, { delayed: delayMs > 0 }),
      address,
      containerdPid: child?.identity.pid,
      supervisorPid: this.#self.pid,
      version,
      adopted: child?.adopted ?? false,
      restarts,
      uptimeSeconds: child === undefined ? undefined : processAge(child.identity),
      lastFailure,
      config,
      logFile,
    };
  }

  /** Calls `listener` with the status after each change; the result ends that. */
  onStatus(listener: (status: SupervisorStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #changed(): void {
    const { state } = this.#lifecycle;
    if (state.name === "serving") this.#serving.resolve();
    // Its last words, before another log takes the place of this one.
    if (state.name === "recovering" || state.name === "ended") this.#follower.poll();
    const status = this.status();
    // The last word is written by #finish, when it is true.
    if (state.name !== "ended") this.#write(status);
    for (const listener of this.#listeners) {
      try {
        listener(status);
      } catch (error) {
        log.error("a listener failed", { error });
      }
    }
  }

  #write(status: SupervisorStatus): void {
    const containerd = this.#lifecycle.child?.identity;
    this.#writer.write({ supervisor: this.#self, containerd, status, report: this.#report });
  }

  async #finish(end: EndReason): Promise<void> {
    const result = this.#result(end);
    this.#report = result.report;
    try {
      await this.#lifecycle.settled();
      this.#following.abort();
      await this.#followed;
      await this.#launcher.cleanUp();
      const { supervisorPid: _, ...status } = this.status();
      this.#write(status);
      await this.#writer.flush();
    } catch (error) {
      log.error("cannot clean up", { error: messageOf(error) });
    } finally {
      await this.#lock.release().catch((error) => log.error("cannot release the lock", { error: messageOf(error) }));
      this.#serving.reject(result.error ?? new GantryError("cancelled", "containerd was stopped before it served"));
      this.#ended.resolve(result);
    }
  }

  #result(end: EndReason): SupervisorEnd {
    if (end.reason === "stopped") return { reason: end.reason };
    const launchError = end.reason === "start_failed" ? this.#lifecycle.launchError : undefined;
    // What went wrong before containerd was even started says it all; its log would be of another day.
    const report = launchError === undefined
      ? failureReport(end, { paths: this.#paths, logStart: this.#launcher.logStart })
      : [launchError.message, launchError.hint].filter((line) => line !== undefined).join("\n");
    return {
      reason: end.reason,
      report,
      error: launchError ?? new GantryError("unavailable", report),
    };
  }
}

/** What {@link Supervisor.open} has taken for a supervisor. */
interface Taken {
  readonly options: SupervisorOptions;
  readonly context: SupervisorContext;
  readonly paths: InstancePaths;
  readonly lock: Lock;
  readonly self: ProcessIdentity;
}

async function lockInstance(paths: InstancePaths, self: ProcessIdentity): Promise<Lock> {
  try {
    return await acquireLock(paths.lock, { content: holderText(self) });
  } catch (error) {
    if (!isCode(error, "failed_precondition")) throw error;
    const holder = holderIdentity(await lockHolder(paths.lock));
    const who = holder === undefined ? "another process" : `pid ${holder.pid}`;
    throw new GantryError("failed_precondition", `gantry is already up in ${paths.state} (${who})`, {
      hint: "`gantry status` shows it, `gantry down` ends it; --state DIR names another instance",
      cause: error,
    });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
