/**
 * A process that stays behind for a container nobody attends to any more: it drains what was attached into log files, and
 * removes the container at its end when it is to be removed.
 */
import type { ContainerPlan } from "../engine/container_plan.ts";
import type { CliContext } from "./context.ts";
import { startSelf } from "./self.ts";

/** Starts it. It is `gantry keep`, a command that help does not show. */
export async function startKeeper(plan: ContainerPlan, context: CliContext): Promise<void> {
  const { root, state, address, namespace } = context.settings;
  const where = address === undefined ? [] : ["--address", address];
  const what = [...(plan.detached ? [] : ["--drain"]), ...(plan.autoRemove ? ["--rm"] : [])];
  const argv = ["keep", "--root", root, "--state", state, "--namespace", namespace, ...where, ...what, plan.id];
  await startSelf(argv, { log: "/dev/null", env: context.env });
}
