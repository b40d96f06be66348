import { command } from "../command.ts";
import { numberFlag, stringFlag } from "../flags.ts";

export const restartFlags = {
  time: numberFlag({
    summary: "Seconds between the polite stop and KILL; -1 for no KILL",
    short: "t",
    min: -1,
    defaultText: "the container's own, else 10",
  }),
  signal: stringFlag({
    summary: "Signal of the polite stop",
    short: "s",
    placeholder: "SIGNAL",
    defaultText: "the container's own, else TERM",
  }),
} as const;

/** `gantry restart` */
export const restart = command({
  name: "restart",
  group: "Containers",
  summary: "Stop containers and start them again",
  description: ["One that does not run is started. They are left running, and named on stdout."],
  examples: [
    { line: "gantry restart web", does: "stop a container politely, kill it after 10 seconds, start it" },
    { line: "gantry restart -t 0 web db", does: "kill and start two" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true }],
  flags: restartFlags,
  load: () => import("./restart_action.ts"),
});
