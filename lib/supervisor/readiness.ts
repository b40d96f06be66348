import type { Clock } from "../base/clock.ts";
import { GantryError, messageOf } from "../base/errors.ts";
import { failedPlugins } from "./config_plugins.ts";
import type { ContainerdProbe } from "./probe.ts";
import { hasAdvanced, type Progress } from "./progress.ts";
import { within } from "./time_limit.ts";

/** What {@link awaitReady} watches. */
export interface ReadinessOptions {
  /** Opens a new connection to containerd. */
  readonly connect: () => Promise<ContainerdProbe>;
  readonly clock: Clock;
  /** Aborted when the process has ended or nobody wants to know any more. */
  readonly signal: AbortSignal;
  /** So long without progress means that it hangs, milliseconds. */
  readonly startTimeoutMs: number;
  /** Each question may take so long, milliseconds. */
  readonly questionMs: number;
  readonly cri: boolean;
  /** What the process has done so far. */
  readonly progress: () => Progress;
  /** True when a file is where its socket will be; asked before each try, since connecting to nothing costs more. */
  readonly hasSocket: () => boolean;
}

/** A containerd that serves. */
export interface Ready {
  readonly probe: ContainerdProbe;
  readonly version: string;
}

/** A start may take so many start timeouts in all, however busy it looks. */
export const startTimeoutFactor = 10;

const firstPauseMs = 5;
const lastPauseMs = 100;
/** A pause that took this much longer than asked for means that we did not run, so the child may not have either. */
const starvedMs = 1000;

/**
 * Waits until containerd serves: its health service says so and every plugin that gantry needs has started. Fails with
 * `deadline_exceeded` when there is no progress for the start timeout (CPU, disk, log), or after ten of them in all, and
 * with `failed_precondition` when a required plugin is in error, which waiting would not cure.
 */
export async function awaitReady(options: ReadinessOptions): Promise<Ready> {
  const { clock, signal, startTimeoutMs } = options;
  let began = clock.monotonic();
  let movedAt = began;
  let seen = options.progress();
  let last = "its socket has not appeared";
  for (let pause = firstPauseMs;; pause = Math.min(lastPauseMs, pause * 1.5)) {
    signal.throwIfAborted();
    if (options.hasSocket()) {
      const answer = await tryOnce(options);
      if (typeof answer === "string") last = answer;
      else if (answer.failed.length === 0) return answer;
      else throw new GantryError("failed_precondition", answer.failed.join("; "));
    }
    const before = clock.monotonic();
    await clock.sleep(pause, { signal });
    const now = clock.monotonic();
    const progress = options.progress();
    const late = now - before - pause;
    if (late > starvedMs) {
      began += late;
      movedAt += late;
    }
    if (hasAdvanced(seen, progress)) {
      seen = progress;
      movedAt = now;
    }
    if (now - movedAt >= startTimeoutMs) {
      throw new GantryError("deadline_exceeded", `not ready after ${Math.round(now - began)} ms: ${last}`, {
        hint: `no progress was seen for ${startTimeoutMs} ms; --start-timeout gives it longer`,
      });
    }
    if (now - began >= startTimeoutMs * startTimeoutFactor) {
      throw new GantryError(
        "deadline_exceeded",
        `busy and still not ready after ${Math.round(now - began)} ms: ${last}`,
        {
          hint: `${startTimeoutFactor} times the start timeout is the limit; --start-timeout raises it`,
        },
      );
    }
  }
}

/** One attempt on a fresh connection: who answered and which required plugins failed, or why nobody did. */
async function tryOnce(options: ReadinessOptions): Promise<Ready & { readonly failed: readonly string[] } | string> {
  const { clock, signal, questionMs, cri } = options;
  let probe: ContainerdProbe | undefined;
  let keep = false;
  try {
    probe = await options.connect();
    const open = probe;
    const answer = await within({ clock, ms: questionMs, what: "the answer of containerd", signal }, async (both) => {
      const limits = { signal: both, deadlineMs: questionMs };
      if (!await open.isServing(limits)) return "its health service does not say SERVING";
      const [{ version }, plugins] = await Promise.all([open.version(limits), open.plugins(limits)]);
      return { probe: open, version, failed: failedPlugins(plugins, { cri }) };
    });
    keep = typeof answer !== "string" && answer.failed.length === 0;
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  } finally {
    if (!keep) probe?.close();
  }
}
