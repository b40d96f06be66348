import { command } from "../command.ts";
import { booleanFlag, stringFlag } from "../flags.ts";

export const attachFlags = {
  stdin: booleanFlag({ summary: "Pass on stdin, if it has one", default: true }),
  sigProxy: booleanFlag({ summary: "Pass on the signals we get", default: true }),
  detachKeys: stringFlag({
    summary: 'Keys that leave it running; "" for none',
    placeholder: "KEYS",
    default: "ctrl-p,ctrl-q",
    setting: true,
  }),
} as const;

/** `gantry attach` */
export const attach = command({
  name: "attach",
  group: "Containers",
  summary: "Attend to a container that was left running",
  description: [
    "Shows what it writes from now on, and passes on its exit code; 125 when gantry itself failed. Any number can be " +
    "attached to one container at once.",
    "The end of our stdin is not passed on, and when nobody reads our output any more, only this command ends.",
  ],
  examples: [
    { line: "gantry attach web", does: "show what it writes, pass on stdin and signals" },
    { line: "gantry attach --no-stdin --sig-proxy=false web", does: "only look" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id" }],
  flags: attachFlags,
  failureCode: 125,
  load: () => import("./attach_action.ts"),
});
