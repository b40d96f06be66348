import { type Clock, systemClock } from "../base/clock.ts";
import { defaultProcessColumns, type ProcessColumn } from "./process_columns.ts";
import { type ProcessFacts, readProcess, uptimeMs } from "./process_facts.ts";
import { parsePasswd } from "./spec/passwd.ts";

/** A process of a container, as the host sees it. */
export interface ProcessRow extends ProcessFacts {
  /** Name of its user on the host; the number when the host has none for it. */
  readonly user: string;
  /** When it was started, milliseconds since 1970. */
  readonly startedAt: number;
}

/** Options of {@link listProcesses}. */
export interface ListProcessesOptions {
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /** The host's users: text of passwd(5). Default: that of /etc/passwd. */
  readonly passwd?: string | undefined;
}

/** Titles and cells, the shape that docker's API gives `top`. */
export interface ProcessTable {
  readonly Titles: readonly string[];
  /** One for each process, a text for each title. */
  readonly Processes: readonly (readonly string[])[];
}

/** The processes of the given pids, in that order. Those that have ended since they were listed are left out. */
export function listProcesses(pids: readonly number[], options: ListProcessesOptions = {}): readonly ProcessRow[] {
  const { clock = systemClock } = options;
  const users = usersOf(options.passwd ?? readPasswd());
  const uptime = uptimeMs();
  const now = clock.now();
  return pids.flatMap((pid) => {
    const facts = readProcess(pid, uptime);
    if (facts === undefined) return [];
    return [{ ...facts, user: users.get(facts.uid) ?? String(facts.uid), startedAt: now - facts.elapsedMs }];
  });
}

/** The processes as text. `columns` are those of `parseProcessColumns`; default docker's. */
export function processTable(
  rows: readonly ProcessRow[],
  columns: readonly ProcessColumn[] = defaultProcessColumns,
): ProcessTable {
  return {
    Titles: columns.map(({ title }) => title),
    Processes: rows.map((row) => columns.map(({ text }) => text(row))),
  };
}

function usersOf(passwd: string): ReadonlyMap<number, string> {
  // The first entry of an id wins, as in getpwuid(3).
  return new Map(parsePasswd(passwd).toReversed().map(({ uid, name }) => [uid, name]));
}

/** Without it the users are numbers, which is no reason to fail. */
function readPasswd(): string {
  try {
    return Deno.readTextFileSync("/etc/passwd");
  } catch {
    return "";
  }
}
