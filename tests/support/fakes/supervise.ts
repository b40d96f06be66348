/**
 * A process that runs a supervisor as `gantry up` does: `supervise.ts OPTIONS`, OPTIONS being SupervisorOptions as JSON.
 * Prints `ready` when containerd serves. Ends on SIGTERM with 0; with 1 and the report on stderr when it gives up.
 */
import { up } from "../../../lib/daemon/up.ts";
import { setLogWriter } from "../../../lib/base/log.ts";

if (Deno.env.get("SUPERVISE_VERBOSE") !== undefined) {
  setLogWriter((category, level, message, fields) => console.error(level, category, message, fields));
}
const controller = new AbortController();
const stop = (): void => controller.abort();
Deno.addSignalListener("SIGTERM", stop);
Deno.addSignalListener("SIGINT", stop);
try {
  const end = await up(JSON.parse(Deno.args[0] ?? "{}"), {
    signal: controller.signal,
    onReady: () => console.log("ready"),
  });
  if (end.report !== undefined) console.error(end.report);
  Deno.exit(end.reason === "stopped" ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
