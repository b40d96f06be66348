import { IntrospectionDefinition } from "../../proto/gen/containerd/introspection.ts";
import { type ErrorCode } from "../base/errors.ts";
import { errorCodeOf } from "../rpc/status_codes.ts";
import { type CallOptions, methodOf, type Transport } from "../rpc/transport.ts";

const plugins = methodOf(IntrospectionDefinition, IntrospectionDefinition.methods.plugins);

/** One plugin of a running containerd. */
export interface PluginState {
  /** Type, e.g. `io.containerd.snapshotter.v1`. */
  readonly type: string;
  /** Id within the type, e.g. `overlayfs`. */
  readonly id: string;
  /** Why it did not start; undefined when it did. */
  readonly initError?: { readonly code: ErrorCode; readonly message: string } | undefined;
}

/** All plugins, those that failed included. */
export async function listPlugins(transport: Transport, options: CallOptions = {}): Promise<readonly PluginState[]> {
  const reply = await transport.unary(plugins, { filters: [] }, options);
  return reply.plugins.map(({ type, id, initErr }) => ({
    type,
    id,
    initError: initErr === undefined ? undefined : { code: errorCodeOf(initErr.code), message: initErr.message },
  }));
}
