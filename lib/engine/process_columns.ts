import { GantryError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import type { ProcessRow } from "./process_list.ts";

/** A column of `top`. */
export interface ProcessColumn {
  /** In capitals, as ps(1) has it. */
  readonly title: string;
  readonly text: (row: ProcessRow) => string;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** By the names that ps(1) has for them after -o, and `nspid`, the pid in the container. */
const columns = {
  args: { title: "COMMAND", text: commandLine },
  c: { title: "C", text: (row) => String(Math.trunc(cpuPercent(row))) },
  cmd: { title: "CMD", text: commandLine },
  comm: { title: "COMMAND", text: (row) => row.command },
  etime: { title: "ELAPSED", text: (row) => elapsed(row.elapsedMs) },
  nspid: { title: "NSPID", text: (row) => String(row.innerPid) },
  pcpu: { title: "%CPU", text: (row) => cpuPercent(row).toFixed(1) },
  pid: { title: "PID", text: (row) => String(row.pid) },
  ppid: { title: "PPID", text: (row) => String(row.parent) },
  rss: { title: "RSS", text: (row) => String(Math.round(row.residentBytes / 1024)) },
  stat: { title: "STAT", text: (row) => row.state },
  stime: { title: "STIME", text: startTime },
  time: { title: "TIME", text: (row) => cpuTime(row.cpuMs) },
  tty: { title: "TTY", text: (row) => row.terminal ?? "?" },
  uid: { title: "UID", text: (row) => String(row.uid) },
  user: { title: "USER", text: (row) => row.user },
  vsz: { title: "VSZ", text: (row) => String(Math.round(row.virtualBytes / 1024)) },
} as const satisfies Readonly<Record<string, ProcessColumn>>;

/** Other names that ps(1) takes. */
const aliases: Readonly<Record<string, keyof typeof columns>> = {
  "%cpu": "pcpu",
  command: "args",
  cputime: "time",
  euid: "uid",
  euser: "user",
  rssize: "rss",
  s: "stat",
  state: "stat",
  tname: "tty",
  tt: "tty",
  ucmd: "comm",
  ucomm: "comm",
  uname: "user",
  vsize: "vsz",
};

/** Those of `docker top`, i.e. of `ps -ef`; its UID is a name. */
export const defaultProcessColumns: readonly ProcessColumn[] = [
  { ...columns.user, title: "UID" },
  columns.pid,
  columns.ppid,
  columns.c,
  columns.stime,
  columns.tty,
  columns.time,
  columns.cmd,
];

/**
 * The columns of `-o pid,comm,…`, as many times as it was given; {@link defaultProcessColumns} for none. An unknown one is
 * `invalid_argument` and the error names the nearest.
 */
export function parseProcessColumns(texts: readonly string[]): readonly ProcessColumn[] {
  if (texts.length === 0) return defaultProcessColumns;
  return texts.flatMap((text) => text.split(/[,\s]+/)).filter((name) => name !== "").map(columnOf);
}

function columnOf(name: string): ProcessColumn {
  const wanted = name.toLowerCase();
  const known = (Object.hasOwn(aliases, wanted) ? aliases[wanted] : undefined) ?? wanted;
  for (const [key, column] of Object.entries(columns)) {
    if (key === known) return column;
  }
  throw new GantryError("invalid_argument", `there is no column ${JSON.stringify(name)}`, {
    hint: didYouMean(wanted, [...Object.keys(columns), ...Object.keys(aliases)]) ??
      `columns are ${Object.keys(columns).join(", ")}`,
  });
}

/** argv in one line; in brackets the name of what has none, as ps(1) writes it. */
function commandLine({ args, command, state }: ProcessRow): string {
  if (args.length > 0) return args.join(" ");
  return state.startsWith("Z") ? `[${command}] <defunct>` : `[${command}]`;
}

/** CPU time of the time it has been there, in percent of one CPU. */
function cpuPercent({ cpuMs, elapsedMs }: ProcessRow): number {
  return elapsedMs === 0 ? 0 : cpuMs / elapsedMs * 100;
}

/** `[DD-]HH:MM:SS`. */
function cpuTime(ms: number): string {
  return `${ms >= day ? `${two(ms / day)}-` : ""}${two(ms % day / hour)}:${two(ms % hour / minute)}:${seconds(ms)}`;
}

/** `[[DD-]HH:]MM:SS`. */
function elapsed(ms: number): string {
  const days = ms >= day ? `${two(ms / day)}-` : "";
  const hours = ms >= hour ? `${two(ms % day / hour)}:` : "";
  return `${days}${hours}${two(ms % hour / minute)}:${seconds(ms)}`;
}

/** The time of today, the day of this year, or the year, as local time. */
function startTime({ startedAt, elapsedMs }: ProcessRow): string {
  const start = new Date(startedAt);
  const now = new Date(startedAt + elapsedMs);
  if (start.getFullYear() !== now.getFullYear()) return String(start.getFullYear());
  if (start.toDateString() === now.toDateString()) return `${two(start.getHours())}:${two(start.getMinutes())}`;
  return `${start.toLocaleString("en-US", { month: "short" })}${two(start.getDate())}`;
}

function seconds(ms: number): string {
  return two(ms % minute / 1000);
}

function two(value: number): string {
  return String(Math.trunc(value)).padStart(2, "0");
}
