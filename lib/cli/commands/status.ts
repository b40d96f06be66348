import { command } from "../command.ts";

/** `gantry status` */
export const status = command({
  name: "status",
  group: "Daemon",
  summary: "Show how the supervised containerd is doing",
  description: [
    "States: down, starting, serving, unhealthy (the last health checks failed), restarting, failing (it ends again and " +
    "again, and the next start waits), stopping, orphaned (containerd runs and no gantry looks after it).",
    "Exit code: 0 when it serves, 3 when it is down, 1 in between.",
  ],
  examples: [
    { line: "gantry status", does: "the instance in /run/gantry" },
    { line: "gantry status --format '{{.State}} {{.ContainerdPid}}'", does: "two fields" },
    { line: "until gantry status > /dev/null; do sleep 1; done", does: "wait until it serves" },
  ],
  positionals: [],
  flags: {},
  load: () => import("./status_action.ts"),
});
