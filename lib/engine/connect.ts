import { GantryError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { InstancePaths } from "./container_paths.ts";
import type { Engine } from "./engine.ts";

/** Options of {@link connectContainerd}. */
export interface ConnectOptions {
  /** Path of containerd's unix socket. */
  readonly address: string;
  /** containerd's namespace; default `default`. */
  readonly namespace?: string | undefined;
  /** Where names, logs and FIFOs are kept; default `/var/lib/gantry` and `/run/gantry`. */
  readonly instance?: InstancePaths | undefined;
  /** How long a call waits for a containerd that is away, in milliseconds; default 0. */
  readonly waitForReadyMs?: number | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** The instance of a gantry that was given no directories. */
export const defaultInstance: InstancePaths = { root: "/var/lib/gantry", state: "/run/gantry" };

/**
 * Opens an engine on a running containerd. Nothing is sent before the first call. grpc-js is loaded here and not before: it
 * costs a process 50 ms.
 */
export async function connectContainerd(options: ConnectOptions): Promise<Engine> {
  const { address, namespace = "default", instance = defaultInstance, waitForReadyMs, clock } = options;
  if (!address.startsWith("/")) {
    throw new GantryError("invalid_argument", `${JSON.stringify(address)} is not the absolute path of a socket`, {
      hint: "e.g. /run/containerd/containerd.sock",
    });
  }
  const [{ connectGrpc }, { ContainerdEngine }] = await Promise.all([
    import("../rpc/grpc_transport.ts"),
    import("./containerd_engine.ts"),
  ]);
  return new ContainerdEngine({
    transport: connectGrpc(address, { waitForReadyMs }),
    address,
    namespace,
    instance,
    clock,
  });
}
