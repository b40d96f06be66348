/** The flags that say how containerd is supervised: those of `up`, and of `config`, which shows what they lead to. */
import { booleanFlag, bytesFlag, durationFlag, numberFlag, stringFlag } from "../flags.ts";

export const supervisorFlags = {
  containerd: stringFlag({
    summary: "containerd's program, a path or a name in PATH",
    placeholder: "PATH",
    setting: true,
    complete: "file",
    default: "containerd",
  }),
  configExtra: stringFlag({
    summary: "TOML file laid over the configuration that containerd gets",
    placeholder: "FILE",
    setting: true,
    complete: "file",
  }),
  cri: booleanFlag({ summary: "Leave containerd's CRI service on, for Kubernetes", setting: true }),
  oomScore: numberFlag({
    summary: "oom_score_adj of containerd, -1000 to 1000",
    min: -1000,
    max: 1000,
    setting: true,
    defaultText: "ours",
  }),
  startTimeout: durationFlag({ summary: "Time a start may go without progress", setting: true, default: "15s" }),
  stopTimeout: durationFlag({
    summary: "Time between TERM and KILL, wherever containerd is stopped",
    setting: true,
    default: "15s",
  }),
  healthInterval: durationFlag({ summary: "Time between health checks", setting: true, default: "5s" }),
  healthTimeout: durationFlag({ summary: "Time a health check may take", setting: true, default: "3s" }),
  healthFailures: numberFlag({
    summary: "Failed checks in a row that mean it hangs",
    min: 1,
    setting: true,
    default: 3,
  }),
  restartLimit: numberFlag({
    summary: "Give up after so many restarts in a row",
    min: 0,
    setting: true,
    defaultText: "never",
  }),
  dieWithParent: booleanFlag({ summary: "Kill containerd when gantry dies, however it dies", setting: true }),
  logMaxSize: bytesFlag({ summary: "Size at which containerd's log is rotated", setting: true, default: "10m" }),
  logMaxFiles: numberFlag({ summary: "Log files kept, the current one included", min: 1, setting: true, default: 3 }),
} as const;
