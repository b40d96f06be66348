import { HealthCheckResponse_ServingStatus as ServingStatus, HealthDefinition } from "../../proto/gen/grpc/health.ts";
import { type CallOptions, methodOf, type Transport } from "../rpc/transport.ts";

const check = methodOf(HealthDefinition, HealthDefinition.methods.check);

/** True when containerd's health service answers SERVING; false when it answers anything else. */
export async function isServing(transport: Transport, options: CallOptions = {}): Promise<boolean> {
  const { status } = await transport.unary(check, { service: "" }, options);
  return status === ServingStatus.SERVING;
}
