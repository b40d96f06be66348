import { GantryError, isCode } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { parseProcessColumns } from "../../engine/process_columns.ts";
import { listProcesses, processTable } from "../../engine/process_list.ts";
import { alignColumns } from "../columns.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import type { topFlags } from "./top.ts";

/** Lists the processes of a container. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof topFlags>>,
  context: CliContext,
): Promise<number> {
  const [reference = "", ...words] = args;
  const columns = parseProcessColumns([...flags.columns, ...words]);
  await using engine = await openEngine(context);
  const { signal } = context;
  const id = await engine.resolve(reference, { signal });
  const pids = await pidsOf(engine, { id, reference }, signal);
  const table = processTable(listProcesses(pids, { clock: context.clock }), columns);
  context.output.one(
    table,
    ({ Titles, Processes }) => alignColumns([Titles, ...Processes.map((cells) => cells.map(oneLine))]),
  );
  return 0;
}

/** An argument may hold a whole script. */
function oneLine(cell: string): string {
  return cell.replaceAll("\n", "\\n");
}

/** The pids of a container that runs; `failed_precondition` for one that does not. */
async function pidsOf(
  engine: Engine,
  { id, reference }: { readonly id: string; readonly reference: string },
  signal: AbortSignal,
): Promise<readonly number[]> {
  // Asked first: what containerd says of the pids of one that has ended differs from version to version, and of a shim
  // that hangs it says nothing for a minute.
  const status = await engine.state({ containerId: id }, { signal }).then((state) => state.status, (error) => {
    if (isCode(error, "not_found")) return "none";
    throw error;
  });
  switch (status) {
    case "running":
    case "paused":
    case "pausing":
      return await engine.pids(id, { signal });
    case "unknown":
      throw new GantryError("deadline_exceeded", `the shim of container ${reference} does not answer`, {
        hint: "other containers are not affected; `gantry rm -f` ends this one",
      });
    case "none":
      // Without a record there is no such container, and that is the error.
      await engine.record(id, { signal });
      break;
    case "created":
    case "stopped":
  }
  throw new GantryError("failed_precondition", `container ${reference} does not run`, {
    hint: `start it: gantry start ${reference}`,
  });
}
