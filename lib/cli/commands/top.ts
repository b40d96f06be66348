import { command } from "../command.ts";
import { listFlag } from "../flags.ts";

export const topFlags = {
  columns: listFlag({ summary: "Columns, as ps -o takes them", short: "o", placeholder: "COLUMN,…" }),
} as const;

/** `gantry top` */
export const top = command({
  name: "top",
  group: "Containers",
  summary: "List the processes of a container",
  description: [
    "Pids are those of the host; nspid is the pid in the container. Columns: user, uid, pid, ppid, nspid, c, pcpu, stime, " +
    "etime, time, tty, stat, rss, vsz, comm, args, cmd.",
  ],
  examples: [
    { line: "gantry top web", does: "as ps -ef shows them" },
    { line: "gantry top web pid,nspid,rss,args", does: "columns of your choice; -o pid,… does the same" },
    { line: "gantry top --json web", does: "one JSON object with Titles and Processes" },
  ],
  positionals: [
    { name: "CONTAINER", summary: "Name, id, or unique start of an id" },
    { name: "COLUMN", summary: "What to show of each process", many: true, optional: true },
  ],
  flags: topFlags,
  load: () => import("./top_action.ts"),
});
