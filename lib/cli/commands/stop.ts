import { command } from "../command.ts";
import { booleanFlag, numberFlag, stringFlag } from "../flags.ts";

export const stopFlags = {
  time: numberFlag({
    summary: "Seconds between the polite stop and KILL; -1 for no KILL",
    short: "t",
    min: -1,
    placeholder: "SECONDS",
    defaultText: "the container's own, else 10",
  }),
  signal: stringFlag({
    summary: "Signal of the polite stop",
    short: "s",
    placeholder: "SIGNAL",
    defaultText: "the container's own, else TERM",
  }),
  all: booleanFlag({ summary: "All that run", short: "a" }),
} as const;

/** `gantry stop` */
export const stop = command({
  name: "stop",
  group: "Containers",
  summary: "Stop containers: politely first, then with KILL",
  description: ["One that does not run is no error. A paused one goes on, so that the signal reaches it."],
  examples: [
    { line: "gantry stop web db", does: "stop two at once, and print their names when they have ended" },
    { line: "gantry stop -t 60 -s QUIT web", does: "send QUIT, and KILL a minute later" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true, optional: true }],
  flags: stopFlags,
  load: () => import("./stop_action.ts"),
});
