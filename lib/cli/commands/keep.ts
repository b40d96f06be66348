import { command } from "../command.ts";
import { booleanFlag, choiceFlag, durationFlag } from "../flags.ts";

export const keepFlags = {
  drain: booleanFlag({ summary: "Move what it writes from its FIFOs to its log files" }),
  log: choiceFlag({ summary: "What becomes of its output", choices: ["file", "none"], default: "file" }),
  timeout: durationFlag({ summary: "Kill it after this time" }),
  rm: booleanFlag({ summary: "Remove it at its end" }),
} as const;

/** `gantry keep`: what stays behind for a container that was let go of; see `keeper.ts`. */
export const keep = command({
  name: "keep",
  group: "Containers",
  summary: "Look after a container that nobody attends to (started by run)",
  hidden: true,
  examples: [{ line: "gantry keep --rm ID", does: "remove a container when it has ended" }],
  positionals: [{ name: "CONTAINER", summary: "Id" }],
  flags: keepFlags,
  load: () => import("./keep_action.ts"),
});
