import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const versionFlags = {
  client: booleanFlag({ summary: "Do not ask containerd" }),
} as const;

/** `gantry version` */
export const version = command({
  name: "version",
  group: "General",
  summary: "Show the versions of gantry and of the containerd it uses",
  examples: [
    { line: "gantry version", does: "gantry's version, and containerd's when it answers" },
    { line: "gantry version --client --json", does: "what this executable is, for scripts" },
  ],
  positionals: [],
  flags: versionFlags,
  load: () => import("./version_action.ts"),
});
