import { nearest } from "../../base/suggest.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { helpText } from "../help.ts";
import { usageError } from "../parse.ts";

/** Prints help. */
export function run({ args }: Invocation<unknown>, { io, output, commands }: CliContext): Promise<number> {
  const topic = args.length === 0 ? undefined : args.join(" ");
  const text = helpText(topic, { commands, columns: io.columns() });
  if (text === undefined) {
    const near = nearest(topic ?? "", commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name));
    throw usageError(
      `there is no help on ${JSON.stringify(topic)}`,
      near === undefined ? 'see "gantry --help"' : `did you mean "gantry help ${near}"?`,
    );
  }
  output.raw(text);
  return Promise.resolve(0);
}
