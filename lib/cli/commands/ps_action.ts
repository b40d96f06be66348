import type { ContainerSummary } from "../../engine/engine.ts";
import {
  type ContainerFilters,
  filterContainers,
  includesEnded,
  needsFacts,
  parseFilters,
} from "../../engine/filters.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { psColumns, psFields, psRow } from "./ps_row.ts";
import type { psFlags } from "./ps.ts";

type PsFlags = ValuesOf<typeof psFlags>;

/** Lists the containers of the namespace, the newest first. */
export async function run({ flags }: Invocation<PsFlags>, context: CliContext): Promise<number> {
  const filters = parseFilters(flags.filter);
  await using engine = await openEngine(context);
  // The table has neither mounts nor networks, and looking into hundreds of specs takes a while.
  const facts = needsFacts(filters) || context.json || context.settings.format !== undefined;
  const all = await engine.list({ signal: context.signal, facts });
  const now = context.clock.now();
  const trunc = flags.trunc && !context.json;
  const rows = chosen(all, filters, flags).map((container) => psRow(container, { now, trunc }));
  context.output.list(rows, { columns: psColumns, fields: psFields, quiet: flags.quiet ? "ID" : undefined });
  return 0;
}

/** The filters come first: `--last 2` are the last two of those that match. */
function chosen(
  all: readonly ContainerSummary[],
  filters: ContainerFilters,
  flags: PsFlags,
): readonly ContainerSummary[] {
  const subjects = all.map((container) => ({ container, facts: container.facts }));
  const matching = filterContainers(subjects, filters).map(({ container }) => container);
  const last = flags.latest ? 1 : flags.last;
  const anyState = flags.all || last !== undefined || includesEnded(filters);
  return (anyState ? matching : matching.filter(isUp)).slice(0, last);
}

/** Runs, or might. */
function isUp({ status }: ContainerSummary): boolean {
  return status === "running" || status === "paused" || status === "pausing" || status === "unknown";
}
