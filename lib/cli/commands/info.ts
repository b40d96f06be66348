import { command } from "../command.ts";

/** `gantry info` */
export const info = command({
  name: "info",
  group: "General",
  summary: "Show the host, the instance, and which containerd commands go to",
  examples: [
    { line: "gantry info", does: "all of it" },
    { line: "gantry info --format '{{.Engine.Address}}'", does: "the socket that commands use" },
  ],
  positionals: [],
  flags: {},
  load: () => import("./info_action.ts"),
});
