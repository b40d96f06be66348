import { signalNumber } from "../../base/signals.ts";
import { stopContainer } from "../../engine/stop_container.ts";
import { assertChoice, chosenContainers } from "../chosen_containers.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import type { stopFlags } from "./stop.ts";

type StopFlags = ValuesOf<typeof stopFlags>;

/** Stops all at once and prints each when it has ended. */
export async function run({ flags, args }: Invocation<StopFlags>, context: CliContext): Promise<number> {
  const { all, time, signal: stopSignal } = flags;
  assertChoice({ all, args });
  // A wrong name is refused before anything is done.
  if (stopSignal !== undefined) signalNumber(stopSignal);
  const timeoutMs = time === undefined ? undefined : time < 0 ? Infinity : time * 1000;
  await using engine = await openEngine(context);
  const chosen = await chosenContainers(engine, {
    all,
    args,
    context,
    among: ({ status }) => status !== "none" && status !== "created" && status !== "stopped",
  });
  return await eachContainer(chosen, async ({ id }) => {
    await stopContainer(engine, id, { stopSignal, timeoutMs, signal: context.signal, clock: context.clock });
  }, { engine, context, ignoreMissing: all, done: ({ reference }) => context.output.line(reference, "stopped") });
}
