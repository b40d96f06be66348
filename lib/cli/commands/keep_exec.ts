import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const keepExecFlags = {
  drain: booleanFlag({ summary: "Let it go on to its end, and read what it writes meanwhile; default: kill it" }),
} as const;

/** `gantry keep-exec`: what stays behind for an exec whose client has gone; see `exec_watcher.ts`. */
export const keepExec = command({
  name: "keep-exec",
  group: "Containers",
  summary: "Look after an exec that nobody attends to (started by exec)",
  hidden: true,
  examples: [{ line: "gantry keep-exec ID EXEC", does: "kill and free an exec" }],
  positionals: [{ name: "CONTAINER", summary: "Id" }, { name: "EXEC", summary: "Id of the exec" }],
  flags: keepExecFlags,
  load: () => import("./keep_exec_action.ts"),
});
