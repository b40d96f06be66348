import { booleanField, integerField, isRecord, numberField, recordField, stringField } from "../base/json.ts";
import type { ProcessIdentity } from "../base/proc.ts";
import type { SupervisorState } from "./machine.ts";
import type { InstancePaths } from "./paths.ts";

/**
 * What an instance is doing. `unhealthy`: the last health checks have failed; `restarting`: a new containerd is being
 * started; `failing`: containerd ends again and again, and the next start waits; `orphaned`: containerd runs, and no
 * supervisor looks after it.
 */
export type InstanceState =
  | "down"
  | "starting"
  | "serving"
  | "unhealthy"
  | "restarting"
  | "failing"
  | "stopping"
  | "orphaned";

/** The last thing that went wrong. */
export interface LastFailure {
  /** RFC 3339, UTC. */
  readonly at: string;
  /** In words. */
  readonly reason: string;
}

/** What `gantry status` shows. Absent fields are undefined. */
export interface SupervisorStatus {
  /** What it is doing. */
  readonly state: InstanceState;
  /** containerd's gRPC socket. */
  readonly address: string;
  /** Pid of the running containerd. */
  readonly containerdPid?: number | undefined;
  /** Pid of the process that looks after it. */
  readonly supervisorPid?: number | undefined;
  /** containerd's version. */
  readonly version?: string | undefined;
  /** True when the running containerd was there before its supervisor. */
  readonly adopted: boolean;
  /** How often this supervisor has started containerd again. */
  readonly restarts: number;
  /** Age of the running containerd. */
  readonly uptimeSeconds?: number | undefined;
  /** The last thing that went wrong, also of a supervisor that has ended. */
  readonly lastFailure?: LastFailure | undefined;
  /** Path of containerd's configuration. */
  readonly config: string;
  /** Path of containerd's log. */
  readonly logFile: string;
}

/** What the supervisor leaves in its state directory for others to read. */
export interface StatusRecord {
  /** The supervisor's own process: a record of another one is not believed. */
  readonly supervisor: ProcessIdentity;
  readonly containerd?: ProcessIdentity | undefined;
  readonly status: SupervisorStatus;
  /** Why the supervisor has ended, with the last lines of containerd's log; undefined while it runs or after a stop. */
  readonly report?: string | undefined;
}

/** The status of an instance that is not running. */
export function downStatus(paths: InstancePaths, lastFailure?: LastFailure): SupervisorStatus {
  return {
    state: "down",
    address: paths.address,
    adopted: false,
    restarts: 0,
    lastFailure,
    config: paths.config,
    logFile: paths.log,
  };
}

/** The word for a state of the machine. `delayed`: the wait before the next start is not over at once. */
export function instanceState(state: SupervisorState, { delayed }: { readonly delayed: boolean }): InstanceState {
  switch (state.name) {
    case "launching":
    case "starting":
      return state.first ? "starting" : "restarting";
    case "serving":
      return state.failures === 0 ? "serving" : "unhealthy";
    case "replacing":
      return state.first ? "starting" : "unhealthy";
    case "recovering":
      if (state.first) return "starting";
      return delayed ? "failing" : "restarting";
    case "failing":
    case "stopping":
      return "stopping";
    case "down":
    case "ended":
      return "down";
  }
}

/** One line of JSON; absent fields are left out. */
export function statusText(record: StatusRecord): string {
  return `${JSON.stringify(record, (_, value) => typeof value === "bigint" ? String(value) : value)}\n`;
}

const states: readonly InstanceState[] = [
  "down",
  "starting",
  "serving",
  "unhealthy",
  "restarting",
  "failing",
  "stopping",
  "orphaned",
];

/** Reads what {@link statusText} wrote; undefined for anything else, e.g. the file of another release. */
export function parseStatus(text: string): StatusRecord | undefined {
  const value = parseRecord(text);
  const supervisor = parseIdentity(value?.["supervisor"]);
  const status = recordField(value ?? {}, "status");
  if (value === undefined || supervisor === undefined || status === undefined) return undefined;
  const state = states.find((name) => name === status["state"]);
  const address = stringField(status, "address");
  const config = stringField(status, "config");
  const logFile = stringField(status, "logFile");
  if (state === undefined || address === undefined || config === undefined || logFile === undefined) return undefined;
  const failure = recordField(status, "lastFailure") ?? {};
  const at = stringField(failure, "at");
  const reason = stringField(failure, "reason");
  return {
    supervisor,
    containerd: parseIdentity(value["containerd"]),
    report: stringField(value, "report"),
    status: {
      state,
      address,
      containerdPid: integerField(status, "containerdPid"),
      supervisorPid: integerField(status, "supervisorPid"),
      version: stringField(status, "version"),
      adopted: booleanField(status, "adopted") ?? false,
      restarts: integerField(status, "restarts") ?? 0,
      uptimeSeconds: numberField(status, "uptimeSeconds"),
      lastFailure: at === undefined || reason === undefined ? undefined : { at, reason },
      config,
      logFile,
    },
  };
}

/** A process identity that was written as JSON, its start time as a string of digits. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (!isRecord(value)) return undefined;
  const pid = integerField(value, "pid");
  const startTime = stringField(value, "startTime");
  const executable = stringField(value, "executable");
  if (pid === undefined || pid < 1 || startTime === undefined || !/^[0-9]{1,20}$/.test(startTime)) return undefined;
  return executable === undefined ? undefined : { pid, startTime: BigInt(startTime), executable };
}

/** `text` as a JSON object; undefined for anything else. */
export function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
