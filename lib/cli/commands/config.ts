import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";
import { supervisorFlags } from "./supervisor_flags.ts";

export const configShowFlags = {
  origin: booleanFlag({ summary: "Say where each value comes from" }),
  generated: booleanFlag({ summary: "Show the configuration that containerd would get instead" }),
  ...supervisorFlags,
} as const;

/** `gantry config show` */
export const configShow = command({
  name: "config show",
  group: "Daemon",
  summary: "Show all settings with their values",
  description: ["The output is a configuration file: what is not set is commented out."],
  examples: [
    { line: "gantry config show --origin", does: "every setting and where its value comes from" },
    { line: "gantry config show > config.toml", does: "make a configuration file of what holds now" },
    { line: "gantry config show --generated --cri", does: "what containerd would get with --cri" },
  ],
  positionals: [],
  flags: configShowFlags,
  load: () => import("./config_show_action.ts"),
});

/** `gantry config path` */
export const configPath = command({
  name: "config path",
  group: "Daemon",
  summary: "Print the path of the configuration file",
  description: ["The file need not exist."],
  examples: [
    { line: 'sudoedit "$(gantry config path)"', does: "edit it" },
  ],
  positionals: [],
  flags: {},
  readsFile: false,
  load: () => import("./config_path_action.ts"),
});

/** `gantry config check` */
export const configCheck = command({
  name: "config check",
  group: "Daemon",
  summary: "Check the settings, and let containerd check what it would get",
  description: [
    "Exit code: 0 when all is well, also with warnings; 1 when containerd refuses its configuration or does not know " +
    "a key of it; 125 when gantry's own settings are wrong.",
  ],
  examples: [
    { line: "gantry config check", does: "before a restart" },
    { line: "gantry config check --config-extra extra.toml", does: "try a file before it is used" },
  ],
  positionals: [],
  flags: supervisorFlags,
  load: () => import("./config_check_action.ts"),
});
