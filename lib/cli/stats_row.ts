/** One container's line of `gantry stats`. */
import { formatBytes } from "../base/bytes.ts";
import type { ContainerStats } from "../engine/stats/container_stats.ts";
import { shortId } from "../wire/identifier.ts";
import type { Column } from "./output.ts";
import { formatPercent, formatTraffic, unknown } from "./units.ts";

/** Text with docker's field names, so that templates from elsewhere work, and the numbers behind it. */
export interface StatsRow {
  /** As the user named it; the id for those that were not named. */
  readonly Container: string;
  readonly Name: string;
  readonly ID: string;
  /** Percent of one CPU, e.g. `137.50%`. */
  readonly CPUPerc: string;
  /** Used and limit, e.g. `1.5MiB / 64MiB`. */
  readonly MemUsage: string;
  readonly MemPerc: string;
  /** Received and sent, e.g. `1.2kB / 0B`. */
  readonly NetIO: string;
  /** Read and written. */
  readonly BlockIO: string;
  readonly PIDs: string;
  /** Part of the periods of its CPU quota in which it had to wait. */
  readonly Throttled: string;
  readonly OOMKills: string;
  /** All numbers, for programs. */
  readonly Raw: ContainerStats;
}

/** How a container is named. */
export interface StatsNaming {
  /** As the user wrote it; undefined for those that were not named. */
  readonly reference?: string | undefined;
  /** Its name; empty for none. */
  readonly name: string;
  /** Shortens the id. */
  readonly trunc: boolean;
}

/** Columns of the table, left to right; docker's, and two more. */
export const statsColumns: readonly Column<StatsRow>[] = [
  { header: "CONTAINER ID", field: "ID" },
  { header: "NAME", field: "Name" },
  { header: "CPU %", field: "CPUPerc" },
  { header: "MEM USAGE / LIMIT", field: "MemUsage" },
  { header: "MEM %", field: "MemPerc" },
  { header: "NET I/O", field: "NetIO" },
  { header: "BLOCK I/O", field: "BlockIO" },
  { header: "PIDS", field: "PIDs" },
  { header: "THROTTLED", field: "Throttled" },
  { header: "OOM KILLS", field: "OOMKills" },
];

/** All fields, for templates. */
export const statsFields = [
  "Container",
  "Name",
  "ID",
  "CPUPerc",
  "MemUsage",
  "MemPerc",
  "NetIO",
  "BlockIO",
  "PIDs",
  "Throttled",
  "OOMKills",
  "Raw",
] as const satisfies readonly (keyof StatsRow)[];

/** The line of one container. */
export function statsRow(stats: ContainerStats, naming: StatsNaming): StatsRow {
  const { memory, network, blkio } = stats;
  const id = naming.trunc ? shortId(stats.id) : stats.id;
  return {
    Container: naming.reference ?? id,
    Name: naming.name === "" ? unknown : naming.name,
    ID: id,
    CPUPerc: formatPercent(stats.cpuPercent),
    MemUsage: pair([memory?.used, memory?.limit], formatBytes),
    MemPerc: formatPercent(memory?.percent),
    NetIO: pair([network?.receivedBytes, network?.sentBytes], formatTraffic),
    BlockIO: pair([blkio?.readBytes, blkio?.writeBytes], formatTraffic),
    PIDs: count(stats.pids),
    Throttled: formatPercent(stats.throttledPercent),
    OOMKills: count(stats.oomKills),
    Raw: stats,
  };
}

function pair(numbers: readonly (number | undefined)[], format: (bytes: number) => string): string {
  return numbers.map((number) => number === undefined ? unknown : format(number)).join(" / ");
}

function count(number: number | undefined): string {
  return number === undefined ? unknown : String(number);
}
