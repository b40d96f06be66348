import { command } from "../command.ts";

/** `gantry help` */
export const help = command({
  name: "help",
  group: "General",
  summary: "Show help on gantry or on a command",
  examples: [
    { line: "gantry help", does: "all commands" },
    { line: "gantry help config show", does: "one command" },
  ],
  positionals: [{
    name: "COMMAND",
    summary: "One or two words",
    optional: true,
    many: true,
    words: (commands) => [
      ...new Set(commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name.split(" ")[0] ?? "")),
    ],
  }],
  flags: {},
  readsFile: false,
  load: () => import("./help_action.ts"),
});
