import { attachContainer, findAttachable } from "../../engine/attach.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { attend, type Attended } from "../foreground.ts";
import { assertTerminal } from "../terminal.ts";
import type { attachFlags } from "./attach.ts";

/** Attends to a running container. context.signal is not read here: signals belong to the container. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof attachFlags>>,
  context: CliContext,
): Promise<number> {
  const [reference = ""] = args;
  await using engine = await openEngine(context);
  const plan = await engine.load(await engine.resolve(reference));
  const target = await findAttachable(engine, plan);
  const interactive = flags.stdin && target.stdin !== undefined;
  if (target.terminal && interactive) assertTerminal("add --no-stdin, or run gantry in a terminal");
  const attended: Attended = {
    name: `container ${plan.name}`,
    afterwards: `\`gantry attach ${plan.name}\` comes back to it`,
    run: (streams, options) => attachContainer(engine, target, { ...options, streams }),
  };
  return await attend(attended, { ...flags, context, interactive, tty: target.terminal });
}
