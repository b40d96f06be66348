import type { ContainerSummary } from "../../engine/engine.ts";
import { shortId } from "../../wire/identifier.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { ago } from "../ago.ts";
import type { Column } from "../output.ts";
import type { psFlags } from "./ps.ts";

type PsFlags = ValuesOf<typeof psFlags>;

/** A row, with docker's field names so that templates from elsewhere work. */
interface Row {
  readonly ID: string;
  readonly Image: string;
  readonly Command: string;
  readonly CreatedAt: string;
  readonly RunningFor: string;
  readonly State: string;
  readonly Status: string;
  readonly Pid: number;
  readonly ExitCode: number | undefined;
  readonly Names: string;
  readonly Labels: string;
}

const columns: readonly Column<Row>[] = [
  { header: "CONTAINER ID", field: "ID" },
  { header: "IMAGE", field: "Image" },
  { header: "COMMAND", field: "Command" },
  { header: "CREATED", field: "RunningFor" },
  { header: "STATUS", field: "Status" },
  { header: "NAMES", field: "Names" },
];

const fields = [
  "ID",
  "Image",
  "Command",
  "CreatedAt",
  "RunningFor",
  "State",
  "Status",
  "Pid",
  "ExitCode",
  "Names",
  "Labels",
] as const;

/** Lists the containers of the namespace, the newest first. */
export async function run({ flags }: Invocation<PsFlags>, context: CliContext): Promise<number> {
  await using engine = await openEngine(context);
  const all = await engine.list({ signal: context.signal });
  const shown = flags.all
    ? all
    : all.filter(({ status }) => status !== "stopped" && status !== "none" && status !== "created");
  const now = context.clock.now();
  const rows = shown.map((container) => rowOf(container, { now, trunc: flags.trunc && !context.json }));
  context.output.list(rows, { columns, fields, quiet: flags.quiet ? "ID" : undefined });
  return 0;
}

function rowOf(container: ContainerSummary, { now, trunc }: { readonly now: number; readonly trunc: boolean }): Row {
  const command = container.command.join(" ");
  return {
    ID: trunc ? shortId(container.id) : container.id,
    Image: container.image,
    Command: `"${trunc && command.length > 20 ? `${command.slice(0, 19)}…` : command}"`,
    CreatedAt: new Date(container.createdAt).toISOString(),
    RunningFor: `${ago(now - container.createdAt)} ago`,
    State: stateOf(container),
    Status: statusOf(container, now),
    Pid: container.pid,
    ExitCode: container.exit?.code,
    Names: container.name,
    Labels: Object.entries(container.labels).map(([key, value]) => `${key}=${value}`).join(","),
  };
}

/** docker's words. */
function stateOf({ status }: ContainerSummary): string {
  return status === "stopped" ? "exited" : status === "none" ? "created" : status;
}

function statusOf(container: ContainerSummary, now: number): string {
  const { status, exit, startedAt } = container;
  const up = startedAt === undefined ? "Up" : `Up ${ago(now - startedAt)}`;
  switch (status) {
    case "running":
      return up;
    case "paused":
    case "pausing":
      return `${up} (Paused)`;
    case "stopped": {
      const code = exit === undefined || !exit.exact ? "?" : String(exit.code);
      return exit === undefined || exit.exitedAt === 0
        ? `Exited (${code})`
        : `Exited (${code}) ${ago(now - exit.exitedAt)} ago`;
    }
    case "unknown":
      return "Unknown";
    case "created":
    case "none":
      return "Created";
  }
}
