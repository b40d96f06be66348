import type { Clock } from "../../base/clock.ts";
import type { CallOptions } from "../../rpc/transport.ts";
import type { Task } from "../task.ts";
import { readNetwork } from "./network.ts";
import type { StatsSample } from "./sample.ts";

/** Options of {@link takeSample}. */
export interface TakeSampleOptions extends CallOptions {
  readonly clock: Clock;
  /** Pid of the container's first process, whose network counters are read. */
  readonly pid: number;
}

/** How long a shim may take to answer: containerd sets itself no limit here, and one that hangs would hang us. */
const limitMs = 2000;

/** What a running container has used so far. */
export async function takeSample(
  task: Pick<Task, "id" | "metrics">,
  { clock, pid, ...call }: TakeSampleOptions,
): Promise<StatsSample> {
  const askedAt = clock.monotonic();
  const { takenAt, metrics } = await task.metrics({ ...call, deadlineMs: limitMs });
  const answeredAt = clock.monotonic();
  return { id: task.id, metrics, network: readNetwork(pid), askedAt, answeredAt, takenAt };
}
