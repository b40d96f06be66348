import { openCheckpoints } from "../../engine/checkpoint/checkpoint_store.ts";
import { findCheckpointed } from "../../engine/checkpoint/find_checkpoints.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine } from "../engine.ts";
import { reportError } from "../report.ts";
import type { checkpointsInspectFlags } from "./checkpoints.ts";

/** Shows the records of checkpoints, without what they say of the container in full unless it is asked for. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof checkpointsInspectFlags>>,
  context: CliContext,
): Promise<number> {
  const [reference = "", ...names] = args;
  const { instance } = await chooseEngine(context);
  const scope = { instance, namespace: context.settings.namespace };
  const { namespace } = scope;
  const container = await findCheckpointed(reference, scope);
  const store = openCheckpoints(scope.instance.root);
  const found = [];
  let code = 0;
  for (const name of names) {
    try {
      const { spec, files: _files, ...record } = await store.inspect({ namespace, container, name });
      const { directory } = store.paths(record);
      const createdAt = new Date(record.createdAt).toISOString();
      found.push({ ...record, createdAt, directory, ...(flags.spec ? { spec } : {}) });
    } catch (error) {
      reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
      code = 1;
    }
  }
  context.output.inspect(found);
  return code;
}
