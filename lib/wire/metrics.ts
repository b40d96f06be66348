import type { Metric } from "../../proto/gen/containerd/metric.ts";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import type { Timestamp } from "../../proto/gen/google/protobuf/timestamp.ts";
import { GantryError, messageOf } from "../base/errors.ts";
import type { ContainerMetrics } from "./container_metrics.ts";
import { decodeMetricsV1 } from "./metrics_v1.ts";
import { decodeMetricsV2 } from "./metrics_v2.ts";

/** One container's metrics as containerd's Tasks/Metrics has them. */
export interface MetricReading {
  /** The container's id. */
  readonly id: string;
  /**
   * When containerd asked the shim for them: milliseconds since 1970 with a fraction, by containerd's clock, which may be
   * set meanwhile. Undefined when it does not say (shims do not).
   */
  readonly takenAt?: number | undefined;
  readonly metrics: ContainerMetrics;
}

const decoders: Readonly<Record<string, (bytes: Uint8Array) => ContainerMetrics>> = {
  "io.containerd.cgroups.v1.Metrics": decodeMetricsV1,
  "io.containerd.cgroups.v2.Metrics": decodeMetricsV2,
};

/** Decodes one entry of the reply of Tasks/Metrics. Errors as {@link decodeMetrics}. */
export function decodeMetric(metric: Metric): MetricReading {
  return { id: metric.id, takenAt: exactMillis(metric.timestamp), metrics: decodeMetrics(metric.data) };
}

/**
 * Decodes the metrics that a shim sends for cgroup v1 or v2. `unimplemented` for a type of another kind of shim (it is
 * named), `data_loss` for bytes that are not what their type says.
 */
export function decodeMetrics(any: Any | undefined): ContainerMetrics {
  if (any === undefined) throw new GantryError("data_loss", "the shim sent no metrics");
  // Shims that are not written in Go put types.containerd.io/ before the name.
  const name = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  const decode = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (decode === undefined) {
    throw new GantryError("unimplemented", `metrics of type ${JSON.stringify(any.typeUrl)} are unknown`, {
      hint: `known types are ${Object.keys(decoders).join(" and ")}, as the runc shim sends them`,
    });
  }
  try {
    return decode(any.value);
  } catch (error) {
    throw new GantryError("data_loss", `metrics of type ${any.typeUrl} cannot be decoded: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function exactMillis(timestamp: Timestamp | undefined): number | undefined {
  if (timestamp === undefined || timestamp.seconds <= 0n) return undefined;
  return Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6;
}
