import { command } from "../command.ts";
import { booleanFlag, stringFlag } from "../flags.ts";

export const startFlags = {
  attach: booleanFlag({ summary: "Attend to it: show its output, pass on its exit code", short: "a" }),
  interactive: booleanFlag({ summary: "Attend to it and pass on stdin", short: "i" }),
  detachKeys: stringFlag({
    summary: 'Keys that leave it running; "" for none',
    placeholder: "KEYS",
    default: "ctrl-p,ctrl-q",
    setting: true,
  }),
  sigProxy: booleanFlag({ summary: "Pass on the signals we get, with -a or -i", default: true }),
} as const;

/** `gantry start` */
export const start = command({
  name: "start",
  group: "Containers",
  summary: "Start containers that were created, or that have ended",
  description: [
    "Without -a and -i each is left running and named on stdout. With them the exit code is that of the program, and 125 " +
    "when gantry itself failed.",
    "A program that is not found is 127 and one that cannot be executed is 126; the container stays.",
  ],
  examples: [
    { line: "gantry start web db", does: "start two and leave them running" },
    { line: "gantry start -ai sh", does: "start a shell and attend to it" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true }],
  flags: startFlags,
  failureCode: 125,
  load: () => import("./start_action.ts"),
});
