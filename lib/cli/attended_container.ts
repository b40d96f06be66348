import type { ContainerPlan } from "../engine/container_plan.ts";
import type { ForegroundOptions } from "../engine/attend_process.ts";
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
    run: (streams, options) =>
      runForeground(engine, plan, streams, { ...options, heir: heirOf(engine, plan, context) }),
    async onDetached(timeoutMs) {
      await startKeeper(plan, { context, engine, drain: true, timeoutMs });
    },
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
        heir: heirOf(engine, plan, context),
        async onCreated(pid) {
          // Before it runs: the size that is stored is that of the terminal it was created in, if it was in one.
          const size = tty ? terminalSize() : undefined;
          if (size !== undefined) await engine.resizePty({ containerId: plan.id }, size, { signal: options.signal });
          await options.onCreated?.(pid);
        },
      }),
  };
}

/**
 * Removing a container takes its shim, runc and the kernel some 20 ms that nobody need wait for. With containerd it takes
 * RPCs, and a process of its own for them more than they do.
 */
function heirOf(engine: Engine, plan: ContainerPlan, context: CliContext): ForegroundOptions["heir"] {
  if (engine.kind !== "shim") return undefined;
  return () => startKeeper(plan, { context, engine, drain: false, timeoutMs: undefined });
}
