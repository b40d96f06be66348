import { GantryError } from "../../base/errors.ts";
import { signalNumber } from "../../base/signals.ts";
import type { ContainerPlan } from "../../engine/container_plan.ts";
import { stopContainer } from "../../engine/stop_container.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import { startAndLeave } from "../start_and_leave.ts";
import type { restartFlags } from "./restart.ts";

/** Stops and starts each container named; a failure does not keep the others. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof restartFlags>>,
  context: CliContext,
): Promise<number> {
  const { time, signal: stopSignal } = flags;
  // Before anything is done to any of them.
  if (stopSignal !== undefined) signalNumber(stopSignal);
  const timeoutMs = time === undefined ? undefined : time < 0 ? Infinity : time * 1000;
  await using engine = await openEngine(context);
  const { signal, clock } = context;
  return await eachContainer(args, async ({ id }) => {
    const plan = await engine.load(id, { signal });
    assertStays(plan);
    await stopContainer(engine, id, { stopSignal, timeoutMs, signal, clock });
    await startAndLeave(engine, plan, context);
  }, { engine, context, done: ({ reference }) => context.output.line(reference, "restarted") });
}

/** Whoever looks after a container with --rm removes it as soon as it ends. */
function assertStays({ name, autoRemove }: ContainerPlan): void {
  if (!autoRemove) return;
  throw new GantryError("failed_precondition", `container ${name} is removed when it ends: it was made with --rm`, {
    hint: "make it without --rm to restart it",
  });
}
