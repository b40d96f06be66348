import { configureLog, resetLog } from "../../base/log_sink.ts";
import { GantryError } from "../../base/errors.ts";
import { readIdentity, signalProcess } from "../../base/proc.ts";
import { up } from "../../daemon/up.ts";
import type { SupervisorOptions } from "../../supervisor/options.ts";
import { readStatus } from "../../supervisor/read_status.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { boundedLog } from "../daemon_log.ts";
import { supervisorOptions } from "../instance.ts";
import { reportError, reportWarning } from "../report.ts";
import type { upFlags } from "./up.ts";

/** Supervises until a signal comes or it gives up; 1 when containerd did not start or kept failing. */
export async function run(invocation: Invocation<ValuesOf<typeof upFlags>>, context: CliContext): Promise<number> {
  const options = supervisorOptions(invocation.flags, context);
  if (invocation.flags.detach) {
    const { detachUp } = await import("../up_detached.ts");
    return await detachUp(options, context);
  }
  const { settings, clock, stderr } = context;
  await configureLog({
    level: settings.logLevel,
    format: settings.logFormat,
    write: boundedLog(stderr, { maxBytes: options.logMaxBytes, maxFiles: options.logMaxFiles }),
    clock,
  });
  try {
    using stopping = stopSignals(options, context);
    const end = await up(options, { signal: stopping.signal, clock, env: context.env });
    if (end.reason === "stopped") return 0;
    reportError(end.error ?? end.report, stderr, { json: context.json, debug: settings.debug });
    return 1;
  } finally {
    await resetLog();
  }
}

/** Aborted at the first INT, TERM or HUP; the next one kills containerd, so that nothing is left to wait for. */
function stopSignals(
  options: SupervisorOptions,
  { io, stderr, json }: CliContext,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = io.onSignal(["SIGINT", "SIGTERM", "SIGHUP"], (name) => {
    if (controller.signal.aborted) {
      killContainerd(options).catch((error: unknown) => reportWarning(error, stderr, { json }));
      return;
    }
    controller.abort(new GantryError("cancelled", `interrupted by ${name}`));
  });
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

async function killContainerd(options: SupervisorOptions): Promise<void> {
  const { containerdPid } = await readStatus(options);
  const identity = containerdPid === undefined ? undefined : await readIdentity(containerdPid);
  if (identity !== undefined) await signalProcess(identity, "KILL");
}
