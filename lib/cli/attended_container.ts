import type { ContainerPlan } from "../engine/container_plan.ts";
import type { Engine } from "../engine/engine.ts";
import { runForeground } from "../engine/run.ts";
import type { CliContext } from "./context.ts";
import type { Attended } from "./foreground.ts";
import { startKeeper } from "./keeper.ts";

/** A new container as something to attend to; a keeper looks after it once it is let go of. */
export function attendedContainer(engine: Engine, plan: ContainerPlan, context: CliContext): Attended {
  return {
    name: `container ${plan.name}`,
    afterwards: `\`gantry rm -f ${plan.name}\` ends it`,
    run: (streams, options) => runForeground(engine, plan, streams, options),
    onDetached: (timeoutMs) => startKeeper(plan, { context, address: engine.address, drain: true, timeoutMs }),
  };
}
