import { GantryError } from "../../base/errors.ts";
import type { ContainerSummary, Engine } from "../../engine/engine.ts";
import type { ContainerStats } from "../../engine/stats/container_stats.ts";
import { hostMemory } from "../../engine/stats/host_memory.ts";
import { StatsRoster } from "../../engine/stats/roster.ts";
import { watchStats } from "../../engine/stats/watch.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import type { NamedContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import { statsColumns, statsFields, type StatsRow, statsRow } from "../stats_row.ts";
import { statsTable } from "../stats_table.ts";
import { terminalSize } from "../terminal.ts";
import type { statsFlags } from "./stats.ts";

type StatsFlags = ValuesOf<typeof statsFlags>;

/** Rounds in quicker succession tell nothing new and keep containerd busy. */
const shortestIntervalMs = 100;

/** Shows rounds of stats: one, or until it is interrupted, which is then how it is meant to end. */
export async function run({ flags, args }: Invocation<StatsFlags>, context: CliContext): Promise<number> {
  if (flags.interval < shortestIntervalMs) {
    throw new GantryError("invalid_argument", `--interval is ${flags.interval} ms`, {
      hint: `give ${shortestIntervalMs} ms or more`,
    });
  }
  await using engine = await openEngine(context);
  try {
    await show(engine, { named: await resolveAll(engine, args, context.signal), flags, context });
  } catch (error) {
    if (!flags.stream || !context.signal.aborted) throw error;
  }
  return 0;
}

interface ShowOptions {
  /** Empty for all. */
  readonly named: readonly NamedContainer[];
  readonly flags: StatsFlags;
  readonly context: CliContext;
}

async function show(engine: Engine, { named, flags, context }: ShowOptions): Promise<void> {
  const { clock, signal } = context;
  const roster = new StatsRoster(engine, { clock, choose: chooser(named, flags.all) });
  await roster.refresh(signal);
  assertFound(named, roster.containers);
  const references = new Map(named.map(({ id, reference }) => [id, reference]));
  const trunc = flags.trunc && !context.json;
  const draw = drawer(context, flags.stream);
  const options = { hostMemory: hostMemory(), intervalMs: flags.interval, once: !flags.stream, signal, clock };
  for await (const round of watchStats(roster.take, options)) {
    // All of them have been removed.
    if (named.length > 0 && roster.containers.length === 0) return;
    const known = new Map(round.map((stats) => [stats.id, stats]));
    draw(roster.containers.map(({ id, name }) => {
      const stats: ContainerStats = known.get(id) ?? { id, metrics: {} };
      return statsRow(stats, { reference: references.get(id), name, trunc });
    }));
  }
}

/** How a round is written. */
function drawer(context: CliContext, live: boolean): (rows: readonly StatsRow[]) => void {
  const { output, settings, stdout, env } = context;
  const isTable = !context.json && (settings.format === undefined || settings.format === "table");
  if (!isTable || !live) {
    return (rows) => output.list(rows, { columns: statsColumns, fields: statsFields, quiet: undefined });
  }
  // The cursor stays in sight, below the table: whichever way this ends, nothing has to be given back.
  const isScreen = stdout.isTerminal && env["TERM"] !== "dumb";
  let first = true;
  return (rows) => {
    const terminal = isScreen ? terminalSize() : undefined;
    output.raw(statsTable(rows, { terminal, first }));
    first = false;
  };
}

async function resolveAll(
  engine: Engine,
  references: readonly string[],
  signal: AbortSignal,
): Promise<readonly NamedContainer[]> {
  return await Promise.all([...new Set(references)].map(async (reference) => ({
    id: await engine.resolve(reference, { signal }),
    reference,
  })));
}

/** Those that were named, as they were named; else all, or those that run. */
function chooser(
  named: readonly NamedContainer[],
  all: boolean,
): (containers: readonly ContainerSummary[]) => readonly ContainerSummary[] {
  if (named.length > 0) {
    return (containers) =>
      named.map(({ id }) => containers.find((container) => container.id === id))
        .filter((container) => container !== undefined);
  }
  return (containers) =>
    all ? containers : containers.filter(({ status }) => !["none", "created", "stopped"].includes(status));
}

/** Whole ids are not looked up, so they are not known to be there before the first list. */
function assertFound(named: readonly NamedContainer[], containers: readonly ContainerSummary[]): void {
  const missing = named.find(({ id }) => !containers.some((container) => container.id === id));
  if (missing === undefined) return;
  throw new GantryError("not_found", `no container ${JSON.stringify(missing.reference)}`, {
    hint: "`gantry ps -a` lists them all; --namespace looks elsewhere",
  });
}
