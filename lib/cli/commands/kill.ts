import { command } from "../command.ts";
import { booleanFlag, stringFlag } from "../flags.ts";

export const killFlags = {
  signal: stringFlag({ summary: "Signal, by name or number", short: "s", placeholder: "SIGNAL", default: "KILL" }),
  all: booleanFlag({ summary: "Every process of the container, not only its first", short: "a" }),
  exec: stringFlag({ summary: "A process that `gantry exec` started, by its id", placeholder: "EXEC" }),
} as const;

/** `gantry kill` */
export const kill = command({
  name: "kill",
  group: "Containers",
  summary: "Send a signal to containers",
  description: ["It does not wait for what the signal does; `gantry wait` does."],
  examples: [
    { line: "gantry kill web", does: "kill a container" },
    { line: "gantry kill -s HUP web db", does: "have two reload their configuration" },
    { line: "gantry kill --exec 4be1 -s INT web", does: "interrupt one exec in a container" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true }],
  flags: killFlags,
  load: () => import("./kill_action.ts"),
});
