import { openCheckpoints } from "../../engine/checkpoint/checkpoint_store.ts";
import { findCheckpointed } from "../../engine/checkpoint/find_checkpoints.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine } from "../engine.ts";
import { reportError } from "../report.ts";

/** Removes each checkpoint named; a failure does not keep the others. */
export async function run({ args }: Invocation<unknown>, context: CliContext): Promise<number> {
  const [reference = "", ...names] = args;
  const { instance } = await chooseEngine(context);
  const scope = { instance, namespace: context.settings.namespace };
  const container = await findCheckpointed(reference, scope);
  const store = openCheckpoints(scope.instance.root, { clock: context.clock });
  let code = 0;
  for (const name of new Set(names)) {
    try {
      await store.remove({ namespace: scope.namespace, container, name });
      context.output.line(name, "removed");
    } catch (error) {
      reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
      code = 1;
    }
  }
  return code;
}
