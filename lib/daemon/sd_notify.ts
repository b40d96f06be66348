import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { sendDatagram } from "../base/libc_socket.ts";
import { getLogger } from "../base/log.ts";

/** The part of an environment that systemd speaks through (sd_notify(3), sd_watchdog_enabled(3)). */
export type NotifyEnvironment = Readonly<Record<string, string | undefined>>;

const log = getLogger("daemon");

/** Tells the service manager how gantry is. Without a NOTIFY_SOCKET all of it is silent and free. */
export class ServiceNotifier {
  readonly #socket: string | undefined;
  /** Milliseconds between two signs of life; undefined when nobody waits for them. */
  readonly watchdogMs: number | undefined;
  #complained = false;

  /** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
  constructor(env: NotifyEnvironment) {
    this.#socket = env["NOTIFY_SOCKET"] || undefined;
    const usec = Number(env["WATCHDOG_USEC"] ?? "");
    const isMeant = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(Deno.pid);
    // Half of the time, as sd_watchdog_enabled(3) recommends.
    this.watchdogMs = this.#socket !== undefined && isMeant && Number.isSafeInteger(usec) && usec > 0
      ? Math.max(1, Math.floor(usec / 2000))
      : undefined;
  }

  /** Start-up is over: READY=1. */
  ready(status: string): void {
    this.#send(["READY=1", statusLine(status)]);
  }

  /** The end has begun: STOPPING=1. */
  stopping(status: string): void {
    this.#send(["STOPPING=1", statusLine(status)]);
  }

  /** A line for `systemctl status`. */
  status(status: string): void {
    this.#send([statusLine(status)]);
  }

  /** Says WATCHDOG=1 as often as is asked for while `isWell` says so, until the signal is aborted. */
  async watchdog(
    isWell: () => boolean,
    options: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<void> {
    const { clock, signal } = options;
    while (this.watchdogMs !== undefined && !signal.aborted) {
      if (isWell()) this.#send(["WATCHDOG=1"]);
      await clock.sleep(this.watchdogMs, { signal }).catch(() => {});
    }
  }

  #send(lines: readonly string[]): void {
    if (this.#socket === undefined) return;
    try {
      sendDatagram(this.#socket, lines.join("\n"));
    } catch (error) {
      // A service manager that does not listen must not end us; once is enough to say it.
      if (!this.#complained) {
        log.warning("cannot notify the service manager", { socket: this.#socket, error: messageOf(error) });
      }
      this.#complained = true;
    }
  }
}

function statusLine(text: string): string {
  return `STATUS=${text.replaceAll("\n", " ")}`;
}
