import type { ContainerPlan } from "../engine/container_plan.ts";
import type { Engine } from "../engine/engine.ts";
import { runForeground, startForeground } from "../engine/run.ts";
import type { CliContext } from "./context.ts";
import type { Attended } from "./foreground.ts";
import { startKeeper } from "./keeper.ts";
import { terminalSize } from "./terminal.ts";

/** A new container as something to attend to; a keeper looks after it once it is let go of. */
export function attendedContainer(engine: Engine, plan: ContainerPlan, context: CliContext): Attended {
  return {
    name: `container ${plan.name}`,
    afterwards: `\`gantry attach ${plan.name}\` comes back to it, \`gantry rm -f ${plan.name}\` ends it`,
    run: (streams, options) => runForeground(engine, plan, streams, options),
    onDetached: (timeoutMs) => startKeeper(plan, { context, address: engine.address, drain: true, timeoutMs }),
  };
}

/** A stored container that is to be started, likewise. */
export function attendedStart(engine: Engine, plan: ContainerPlan, context: CliContext): Attended {
  const tty = plan.spec.process?.terminal === true;
  return {
    ...attendedContainer(engine, plan, context),
    run: (streams, options) =>
      startForeground(engine, plan, streams, {
        ...options,
        async onCreated(pid) {
          // Before it runs: the size that is stored is that of the terminal it was created in, if it was in one.
          const size = tty ? terminalSize() : undefined;
          if (size !== undefined) await engine.resizePty({ containerId: plan.id }, size, { signal: options.signal });
          await options.onCreated?.(pid);
        },
      }),
  };
}
