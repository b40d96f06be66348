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
  let failure: unknown;
  try {
    const pids = await engine.pids(id, { signal });
    if (pids.length > 0) return pids;
  } catch (error) {
    // What containerd says of one that has ended, or has no task, differs from version to version.
    if (isCode(error, "unavailable") || isCode(error, "cancelled") || isCode(error, "deadline_exceeded")) throw error;
    failure = error;
  }
  const status = await engine.state({ containerId: id }, { signal }).then((state) => state.status, async (error) => {
    if (!isCode(error, "not_found")) throw error;
    // Without a record there is no such container, and that is the error.
    await engine.record(id, { signal });
    return "none";
  });
  if (status === "running" || status === "paused") throw failure;
  throw new GantryError("failed_precondition", `container ${reference} does not run`, {
    hint: `start it: gantry start ${reference}`,
    cause: failure,
  });
}
