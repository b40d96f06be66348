import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const psFlags = {
  all: booleanFlag({ summary: "Show those that do not run, too", short: "a" }),
  quiet: booleanFlag({ summary: "Print ids only", short: "q" }),
  trunc: booleanFlag({ summary: "Shorten ids and commands", default: true }),
} as const;

/** `gantry ps` */
export const ps = command({
  name: "ps",
  group: "Containers",
  summary: "List containers",
  examples: [
    { line: "gantry ps", does: "what runs" },
    { line: "gantry ps -a --json", does: "all containers, a JSON object on each line" },
    { line: "gantry ps -aq --no-trunc", does: "full ids of all containers, for scripts" },
    { line: "gantry ps --format 'table {{.Names}}\\t{{.Status}}'", does: "two columns of your choice" },
  ],
  positionals: [],
  flags: psFlags,
  load: () => import("./ps_action.ts"),
});
