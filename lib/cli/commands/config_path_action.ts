import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { settingsPath } from "../settings_file.ts";

/** Prints the path. */
export function run(_: Invocation<unknown>, { env, io, settings, output }: CliContext): Promise<number> {
  output.line(settingsPath({ explicit: settings.config, env, uid: io.uid() }), "path");
  return Promise.resolve(0);
}
