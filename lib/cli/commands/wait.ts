import { command } from "../command.ts";
import { listFlag } from "../flags.ts";

export const waitFlags = {
  condition: listFlag({
    summary: "What to wait for: stopped, exited, created, running, paused or removed; of several any",
    placeholder: "CONDITION",
    defaultText: "stopped",
  }),
} as const;

/** `gantry wait` */
export const wait = command({
  name: "wait",
  group: "Containers",
  summary: "Wait for containers to end, and print their exit codes",
  description: [
    "A line for each container, in the order given; at once for one that has ended. Where a --condition is met without an " +
    "exit, the line is -1.",
  ],
  examples: [
    { line: "gantry wait web db", does: "the exit codes of two, when they have ended" },
    { line: "gantry wait --condition running web", does: "wait for its start" },
    { line: "gantry wait --json web", does: "the time of its end too" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true }],
  flags: waitFlags,
  load: () => import("./wait_action.ts"),
});
