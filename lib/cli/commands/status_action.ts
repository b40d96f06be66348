import { readStatus } from "../../supervisor/read_status.ts";
import type { InstanceState, SupervisorStatus } from "../../supervisor/status.ts";
import { ago } from "../ago.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import type { Style } from "../color.ts";
import { instanceLocation } from "../instance.ts";
import { labelledLines } from "../labelled.ts";

/** Shows the status. Exit code: 0 serving, 3 down (as systemctl has it), 1 in between. */
export async function run(_: Invocation<unknown>, context: CliContext): Promise<number> {
  const { output } = context;
  const status = await readStatus(instanceLocation(context));
  output.one(recordOf(status), () => statusText(status, (style, text) => output.paint(style, text)));
  return status.state === "serving" ? 0 : status.state === "down" ? 3 : 1;
}

/** All fields every time, so that a script need not ask whether one is there. */
function recordOf(status: SupervisorStatus): Readonly<Record<keyof SupervisorStatus, unknown>> {
  const { containerdPid = null, supervisorPid = null, version = null, uptimeSeconds = null, lastFailure = null } =
    status;
  return { ...status, containerdPid, supervisorPid, version, uptimeSeconds, lastFailure };
}

const styles: Readonly<Record<InstanceState, Style>> = {
  serving: "green",
  starting: "yellow",
  restarting: "yellow",
  stopping: "yellow",
  unhealthy: "red",
  failing: "red",
  orphaned: "red",
  down: "dim",
};

function statusText(status: SupervisorStatus, paint: (style: Style, text: string) => string): string {
  const { state, version, containerdPid, supervisorPid, uptimeSeconds, lastFailure, adopted, restarts } = status;
  const words = [
    version ?? "version unknown",
    `pid ${containerdPid}`,
    ...(uptimeSeconds === undefined ? [] : [`up ${ago(uptimeSeconds * 1000).toLowerCase()}`]),
    ...(adopted ? ["adopted"] : []),
  ];
  return labelledLines([
    ["state", paint(styles[state], state)],
    ["address", status.address],
    ["containerd", containerdPid === undefined ? undefined : words.join(", ")],
    ["supervisor", supervisorPid === undefined ? undefined : `pid ${supervisorPid}`],
    ["restarts", state === "down" ? undefined : String(restarts)],
    ["last failure", lastFailure && `${lastFailure.at} ${lastFailure.reason}`],
    ["config", status.config],
    ["log", status.logFile],
  ]);
}
