import { systemClock } from "../base/clock.ts";
import type { SupervisorOptions } from "../supervisor/options.ts";
import type { SupervisorStatus } from "../supervisor/status.ts";
import { Supervisor, type SupervisorContext, type SupervisorEnd } from "../supervisor/supervisor.ts";
import { type NotifyEnvironment, ServiceNotifier } from "./sd_notify.ts";
import { Wellness } from "./wellness.ts";

/** What `gantry up` runs with. */
export interface UpOptions extends SupervisorContext {
  /** Ends it: the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Called when containerd serves for the first time. */
  readonly onReady?: ((status: SupervisorStatus) => void) | undefined;
  /** Where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are looked for; default the environment. */
  readonly env?: NotifyEnvironment | undefined;
}

/**
 * Runs a supervisor until it is told to end or gives up, and tells the service manager about it. A start that fails is
 * an end with `start_failed`; what cannot even begin (options, directories, another supervisor) is thrown.
 */
export async function up(options: SupervisorOptions, context: UpOptions): Promise<SupervisorEnd> {
  const { signal, onReady, clock = systemClock } = context;
  const notifier = new ServiceNotifier(context.env ?? Deno.env.toObject());
  const supervisor = await Supervisor.open(options, context);
  const watchdog = new AbortController();
  const onAbort = (): void => {
    notifier.stopping("ending containerd");
    void supervisor.stop();
  };
  const wellness = new Wellness(options, clock);
  const unsubscribe = supervisor.onStatus((status) => {
    wellness.note(status.state);
    notifier.status(statusSentence(status));
  });
  const watching = notifier.watchdog(() => wellness.isWell(), { clock, signal: watchdog.signal });
  try {
    const started = supervisor.start();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const status = await started.catch(() => undefined);
    if (status !== undefined && !signal.aborted) {
      notifier.ready(statusSentence(status));
      onReady?.(status);
    }
    const end = await supervisor.ended;
    if (!signal.aborted) notifier.stopping(end.report?.split("\n")[0] ?? "ended");
    return end;
  } finally {
    signal.removeEventListener("abort", onAbort);
    unsubscribe();
    watchdog.abort();
    await watching;
  }
}

/** One line about a status. */
export function statusSentence(status: SupervisorStatus): string {
  const { state, version, containerdPid, restarts, lastFailure, adopted } = status;
  const parts = [containerdPid === undefined ? state : `${state}: containerd ${version ?? ""} pid ${containerdPid}`];
  if (adopted) parts.push("adopted");
  if (restarts > 0) parts.push(`restarted ${restarts} times`);
  if (state !== "serving" && lastFailure !== undefined) parts.push(lastFailure.reason);
  return parts.join(", ");
}
