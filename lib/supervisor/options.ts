import { GantryError } from "../base/errors.ts";
import { type LogLevel, logLevels } from "../base/log.ts";

/** How one supervised containerd is run. Times are milliseconds. */
export interface SupervisorOptions {
  /** Absolute directory of what must survive a reboot: containerd's content and snapshots, and the logs. */
  readonly root: string;
  /** Absolute directory of what belongs to this boot: config, pidfile, status, sockets. It names the instance. */
  readonly state: string;
  /** containerd's gRPC socket; default `containerd.sock` in the state directory. `unix://` may stand before it. */
  readonly address?: string | undefined;
  /** The program: a path, or a name looked up in PATH. */
  readonly containerd: string;
  /** A TOML file laid over the generated configuration. */
  readonly configExtra?: string | undefined;
  /** Leaves containerd's CRI service on, for Kubernetes. */
  readonly cri: boolean;
  /** oom_score_adj of containerd, -1000 to 1000; undefined leaves it as it is inherited. */
  readonly oomScore?: number | undefined;
  /** How long a start may go without visible progress. */
  readonly startTimeoutMs: number;
  /** How long containerd has between TERM and KILL, whoever asks it to stop. */
  readonly stopTimeoutMs: number;
  /** Time from the start of one health check to the start of the next. */
  readonly healthIntervalMs: number;
  /** A health check that takes longer has failed. */
  readonly healthTimeoutMs: number;
  /** So many failed checks in a row mean that containerd hangs. */
  readonly healthFailures: number;
  /** So many restarts in a row, without a stable time between them, end the supervisor; undefined never does. */
  readonly restartLimit?: number | undefined;
  /** Serving this long makes the next restart count as the first again. */
  readonly stableMs: number;
  /** Kills containerd when the supervisor dies, however it dies. */
  readonly dieWithParent: boolean;
  /** Level of containerd's log. */
  readonly logLevel: LogLevel;
  /** Format of containerd's log. */
  readonly logFormat: "text" | "json";
  /** Size at which containerd's log file is rotated. */
  readonly logMaxBytes: number;
  /** Number of log files kept, the current one included. */
  readonly logMaxFiles: number;
}

/** What holds when nothing is said. */
export const defaultOptions: SupervisorOptions = {
  root: "/var/lib/gantry",
  state: "/run/gantry",
  containerd: "containerd",
  cri: false,
  startTimeoutMs: 15_000,
  stopTimeoutMs: 15_000,
  healthIntervalMs: 5_000,
  healthTimeoutMs: 3_000,
  healthFailures: 3,
  // Docker's restart manager uses the same time; a daemon that lives that long is not in a crash loop.
  stableMs: 10_000,
  dieWithParent: false,
  logLevel: "info",
  logFormat: "text",
  logMaxBytes: 10 * 1024 * 1024,
  logMaxFiles: 3,
};

/** Fails with `invalid_argument`, naming the option and its value, when `options` cannot be meant. */
export function checkOptions(options: SupervisorOptions): void {
  for (const name of ["root", "state"] as const) checkDirectory(name, options[name]);
  if (options.root === options.state) {
    throw invalid("state", options.state, "the state directory must differ from the root directory");
  }
  if (options.containerd === "") throw invalid("containerd", "", "name a program, e.g. /usr/bin/containerd");
  if (options.configExtra !== undefined && !options.configExtra.startsWith("/")) {
    throw invalid("config-extra", options.configExtra, "give an absolute path");
  }
  checkNumber("oom-score", options.oomScore ?? 0, { least: -1000, most: 1000 });
  // setTimeout counts in 32 bits: a longer time would fire at once.
  const longest = 2 ** 31 - 1;
  checkNumber("start-timeout", options.startTimeoutMs, { least: 1, most: longest / 10, unit: " ms" });
  checkNumber("stop-timeout", options.stopTimeoutMs, { least: 0, most: longest, unit: " ms" });
  checkNumber("health-interval", options.healthIntervalMs, { least: 1, most: longest, unit: " ms" });
  checkNumber("health-timeout", options.healthTimeoutMs, { least: 1, most: longest, unit: " ms" });
  checkNumber("health-failures", options.healthFailures, { least: 1, most: 1_000_000 });
  checkNumber("restart-limit", options.restartLimit ?? 0, { least: 0, most: 1_000_000 });
  checkNumber("stable time", options.stableMs, { least: 0, most: longest, unit: " ms" });
  checkNumber("log-max-size", options.logMaxBytes, { least: 4096, most: Number.MAX_SAFE_INTEGER, unit: " bytes" });
  checkNumber("log-max-files", options.logMaxFiles, { least: 1, most: 1000 });
  if (!logLevels.includes(options.logLevel)) {
    throw invalid("log-level", options.logLevel, `one of ${logLevels.join(", ")}`);
  }
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly unit?: string;
}

function checkDirectory(name: string, path: string): void {
  if (!path.startsWith("/")) throw invalid(name, path, "give an absolute path");
  if (path === "/") throw invalid(name, path, "give a directory of gantry's own");
  // They go into socket names, TOML and command lines, and into files that are read line by line.
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path)) throw invalid(name, path, "a path without control characters");
}

function checkNumber(name: string, value: number, bounds: Bounds): void {
  const { least, most, unit = "" } = bounds;
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(name, `${value}${unit}`, `a whole number from ${least} to ${Math.floor(most)}${unit}`);
}

function invalid(name: string, value: string, hint: string): GantryError {
  return new GantryError("invalid_argument", `${name} cannot be ${JSON.stringify(value)}`, { hint });
}
