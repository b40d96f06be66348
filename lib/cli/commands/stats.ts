import { command } from "../command.ts";
import { booleanFlag, durationFlag } from "../flags.ts";

export const statsFlags = {
  all: booleanFlag({ summary: "Show those that do not run, too", short: "a" }),
  stream: booleanFlag({ summary: "Go on until interrupted", default: true }),
  interval: durationFlag({ summary: "Time from one round to the next", short: "i", default: "1s" }),
  trunc: booleanFlag({ summary: "Shorten ids", default: true }),
} as const;

/** `gantry stats` */
export const stats = command({
  name: "stats",
  group: "Containers",
  summary: "Show what containers use",
  description: [
    "CPU % is of one CPU and of the last half second at least, from the first round on. Memory does not count the page " +
    "cache that the kernel gives up first. THROTTLED is the part of the periods of its CPU quota that the container had to " +
    "wait in. Two dashes are for what is not known: the container does not run, or its shim does not answer.",
    "On a terminal the table is drawn over; elsewhere each round is appended, in JSON as a line for each container. Ctrl-C " +
    "ends it.",
  ],
  examples: [
    { line: "gantry stats", does: "all that run, live" },
    { line: "gantry stats --no-stream web db", does: "two containers, once" },
    { line: "gantry stats --json -i 10s", does: "a JSON object for each container every ten seconds" },
  ],
  positionals: [
    {
      name: "CONTAINER",
      summary: "Name, id, or unique start of an id; default all that run",
      many: true,
      optional: true,
    },
  ],
  flags: statsFlags,
  load: () => import("./stats_action.ts"),
});
