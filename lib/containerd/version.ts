import { VersionDefinition } from "../../proto/gen/containerd/version.ts";
import { type CallOptions, methodOf, type Transport } from "../rpc/transport.ts";

const version = methodOf(VersionDefinition, VersionDefinition.methods.version);

/** What containerd says it is. */
export interface ContainerdVersion {
  /** Version, e.g. `1.7.24`. */
  readonly version: string;
  /** Commit or package revision. */
  readonly revision: string;
}

/** Asks containerd for its version. */
export async function getVersion(transport: Transport, options: CallOptions = {}): Promise<ContainerdVersion> {
  const { version: name, revision } = await transport.unary(version, {}, options);
  return { version: name, revision };
}
