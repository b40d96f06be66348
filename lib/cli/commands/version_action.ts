import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import type { versionFlags } from "./version.ts";

/** Prints the versions. */
export function run(
  { flags }: Invocation<ValuesOf<typeof versionFlags>>,
  { output }: CliContext,
): Promise<number> {
  output.one({ version: "0.1.0", client: flags.client }, (record) => `gantry ${record.version}`);
  return Promise.resolve(0);
}
