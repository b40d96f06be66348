import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";
import { containerFlags } from "./container_flags.ts";

export const createFlags = {
  ...containerFlags,
  interactive: booleanFlag({ summary: "Keep its stdin open", short: "i" }),
  tty: booleanFlag({ summary: "Give it a terminal", short: "t" }),
  dryRun: booleanFlag({ summary: "Show the RPCs and the OCI spec, do nothing" }),
} as const;

/** `gantry create` */
export const create = command({
  name: "create",
  group: "Containers",
  summary: "Make a container without starting it",
  description: ["Prints its id. `gantry start` starts it, as often as it has ended."],
  examples: [
    { line: "gantry create --name job --rootfs ./rootfs -- /bin/job", does: "make a container, print its id" },
    { line: "gantry create -it --name sh --rootfs ./rootfs -- sh", does: "one for `gantry start -ai sh`" },
  ],
  positionals: [{ name: "COMMAND", summary: "Program and its arguments", optional: true, many: true }],
  flags: createFlags,
  passThrough: true,
  failureCode: 125,
  load: () => import("./create_action.ts"),
});
