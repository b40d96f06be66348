/** One container's line of `gantry ps`. */
import type { ContainerSummary } from "../../engine/engine.ts";
import { dockerStatus } from "../../engine/inspect/state.ts";
import { shortId } from "../../wire/identifier.ts";
import { ago } from "../ago.ts";
import type { Column } from "../output.ts";

/** docker's field names, so that templates from elsewhere work, and a few more. */
export interface PsRow {
  readonly ID: string;
  readonly Image: string;
  /** In double quotes. */
  readonly Command: string;
  /** RFC 3339. */
  readonly CreatedAt: string;
  readonly RunningFor: string;
  /** docker's word for what it is doing. */
  readonly State: string;
  readonly Status: string;
  readonly Pid: number;
  /** Undefined while it runs. */
  readonly ExitCode: number | undefined;
  readonly Names: string;
  /** `KEY=VALUE`, with commas. */
  readonly Labels: string;
  /** Places in the container, with commas. */
  readonly Mounts: string;
  readonly Networks: string;
  /** None yet: for templates that name it. */
  readonly Ports: string;
}

/** Columns of the table, left to right. */
export const psColumns: readonly Column<PsRow>[] = [
  { header: "CONTAINER ID", field: "ID" },
  { header: "IMAGE", field: "Image" },
  { header: "COMMAND", field: "Command" },
  { header: "CREATED", field: "RunningFor" },
  { header: "STATUS", field: "Status" },
  { header: "NAMES", field: "Names" },
];

/** All fields, for templates. */
export const psFields = [
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
  "Mounts",
  "Networks",
  "Ports",
] as const satisfies readonly (keyof PsRow)[];

/** How a row is made. */
export interface PsRowOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Shortens id and command. */
  readonly trunc: boolean;
}

/** A longer command is cut to this many characters, as docker does. */
const commandLength = 20;

/** The line of one container. */
export function psRow(container: ContainerSummary, { now, trunc }: PsRowOptions): PsRow {
  const command = container.command.join(" ");
  const isLong = trunc && command.length > commandLength;
  const { mounts = [], networks = [] } = container.facts ?? {};
  return {
    ID: trunc ? shortId(container.id) : container.id,
    Image: container.image,
    Command: `"${isLong ? `${command.slice(0, commandLength - 1)}…` : command}"`,
    CreatedAt: new Date(container.createdAt).toISOString(),
    RunningFor: `${ago(now - container.createdAt)} ago`,
    State: dockerStatus(container.status, container.exit),
    Status: statusOf(container, now),
    Pid: container.pid,
    ExitCode: container.exit?.code,
    Names: container.name,
    Labels: Object.entries(container.labels).map(([key, value]) => `${key}=${value}`).join(","),
    Mounts: mounts.map(({ source, destination }) => source === "" ? destination : source).join(","),
    Networks: networks.join(","),
    Ports: "",
  };
}

function statusOf(container: ContainerSummary, now: number): string {
  const { status, exit, startedAt } = container;
  switch (status) {
    case "running":
      return upFor(startedAt, now);
    case "paused":
    case "pausing":
      return `${upFor(startedAt, now)} (Paused)`;
    case "stopped":
      return exitedStatus(exit, now);
    case "unknown":
      return "Unknown";
    case "none":
      return exit === undefined ? "Created" : exitedStatus(exit, now);
    case "created":
      return "Created";
  }
}

function upFor(startedAt: number | undefined, now: number): string {
  return startedAt === undefined ? "Up" : `Up ${ago(now - startedAt)}`;
}

/** A code that nobody saw is a question mark, and an unknown time is not told. */
function exitedStatus(exit: ContainerSummary["exit"], now: number): string {
  const code = exit === undefined || !exit.exact ? "?" : String(exit.code);
  return exit === undefined || exit.exitedAt === 0
    ? `Exited (${code})`
    : `Exited (${code}) ${ago(now - exit.exitedAt)} ago`;
}
