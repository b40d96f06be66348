import { stopInstance } from "../../supervisor/stop_instance.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { instanceLocation } from "../instance.ts";
import type { downFlags } from "./down.ts";

/** Stops the instance. */
export async function run({ flags }: Invocation<ValuesOf<typeof downFlags>>, context: CliContext): Promise<number> {
  const result = await stopInstance({
    ...instanceLocation(context),
    stopTimeoutMs: flags.stopTimeout,
    clock: context.clock,
  });
  context.output.one(
    { ...result },
    ({ stopped, killed }) =>
      !stopped
        ? `nothing was up in ${context.settings.state}`
        : killed
        ? "stopped, but it had to be killed; containers go on"
        : "stopped; containers go on",
  );
  return 0;
}
