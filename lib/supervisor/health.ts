import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ContainerdProbe } from "./probe.ts";
import { within } from "./time_limit.ts";

/** How {@link watchHealth} works. Times are milliseconds. */
export interface HealthOptions {
  readonly clock: Clock;
  /** Ends the checks. */
  readonly signal: AbortSignal;
  /** From the start of one check to the start of the next. */
  readonly intervalMs: number;
  /** A check that takes longer has failed. */
  readonly timeoutMs: number;
  /** Opens a new connection: a failure may be one of the connection only. */
  readonly connect: () => Promise<ContainerdProbe>;
  /** True while clients can reach containerd at all: a socket whose file is gone serves nobody new. */
  readonly hasSocket: () => boolean;
  /** Called after each check that counts; `undefined` is a good one. */
  readonly report: (failure: string | undefined) => void;
  /** Called when a check failed while this process itself was starved, so that it says nothing about containerd. */
  readonly disregarded?: ((failure: string) => void) | undefined;
}

/**
 * Checks the health of containerd until the signal is aborted, first with `probe`, then on a new connection after each
 * failure. An answer within the timeout is a good one, however late. A check does not count when this process did not
 * get to run in time: then containerd did not either, or its answer lies unread.
 */
export async function watchHealth(probe: ContainerdProbe, options: HealthOptions): Promise<void> {
  const { clock, signal, intervalMs, timeoutMs } = options;
  let current: ContainerdProbe | undefined = probe;
  let due = clock.monotonic() + intervalMs;
  try {
    for (;;) {
      const pause = Math.max(0, due - clock.monotonic());
      const slept = await sleepMeasured(clock, pause, signal);
      const started = clock.monotonic();
      // From start to start, but never late checks in a burst.
      due = started + intervalMs;
      let failure: string | undefined;
      try {
        current ??= await options.connect();
        failure = await check(current, options);
      } catch (error) {
        failure = messageOf(error);
      }
      if (signal.aborted) return;
      if (failure === undefined) {
        options.report(undefined);
        continue;
      }
      current?.close();
      current = undefined;
      const took = clock.monotonic() - started;
      const starved = slept.late > intervalMs || took > timeoutMs + Math.max(intervalMs, 1000) || slept.suspended;
      if (!starved) {
        options.report(failure);
        continue;
      }
      options.disregarded?.(failure);
      // Whatever kept us from running kept containerd too: it gets an interval to recover.
      due = clock.monotonic() + intervalMs;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    current?.close();
  }
}

/** What is wrong, undefined when nothing is. */
async function check(probe: ContainerdProbe, options: HealthOptions): Promise<string | undefined> {
  const { clock, signal, timeoutMs } = options;
  if (!options.hasSocket()) return "its socket has been removed";
  const limit = { clock, ms: timeoutMs, what: "a health check", signal };
  const serving = await within(limit, (both) => probe.isServing({ signal: both, deadlineMs: timeoutMs }));
  return serving ? undefined : "its health service does not say SERVING";
}

interface Slept {
  /** Milliseconds by which the sleep was longer than asked for. */
  readonly late: number;
  /** The wall clock moved on while the monotonic one stood still: the machine slept. */
  readonly suspended: boolean;
}

async function sleepMeasured(clock: Clock, ms: number, signal: AbortSignal): Promise<Slept> {
  const wall = clock.now();
  const before = clock.monotonic();
  await clock.sleep(ms, { signal });
  const slept = clock.monotonic() - before;
  return { late: slept - ms, suspended: clock.now() - wall - slept > 5000 };
}
