import { command } from "../command.ts";
import { booleanFlag, listFlag, numberFlag } from "../flags.ts";

export const psFlags = {
  all: booleanFlag({ summary: "Show those that do not run, too", short: "a" }),
  quiet: booleanFlag({ summary: "Print ids only", short: "q" }),
  last: numberFlag({ summary: "Show the N made last, whatever they do", short: "n", min: 1 }),
  latest: booleanFlag({ summary: "Show the one made last, whatever it does", short: "l" }),
  filter: listFlag({ summary: "Show those that match", short: "f", placeholder: "KEY=VALUE" }),
  trunc: booleanFlag({ summary: "Shorten ids and commands", default: true }),
} as const;

/** `gantry ps` */
export const ps = command({
  name: "ps",
  group: "Containers",
  summary: "List containers",
  description: [
    "Filters are id, name, label, status, exited, ancestor, before, since, volume and network. The same key twice means " +
    "either, different keys mean both. Filters by status or exit code show containers that have ended, too.",
  ],
  examples: [
    { line: "gantry ps", does: "what runs" },
    { line: "gantry ps -a --json", does: "all containers, a JSON object on each line" },
    { line: "gantry ps -aq --no-trunc", does: "full ids of all containers, for scripts" },
    { line: "gantry ps -f status=exited -f label=app=web", does: "those of app web that have ended" },
    { line: "gantry ps --format 'table {{.Names}}\\t{{.Status}}'", does: "two columns of your choice" },
  ],
  positionals: [],
  flags: psFlags,
  load: () => import("./ps_action.ts"),
});
