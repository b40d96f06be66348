import { GantryError } from "../base/errors.ts";
import { findProgram } from "../base/find_program.ts";
import { shimInstance } from "./shim_instance.ts";
import { bundlesDirectory, runtimeDirectory } from "../shim/bundles_directory.ts";
import { type Clock, systemClock } from "../base/clock.ts";
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
  const { address, namespace = "default", instance = defaultInstance, waitForReadyMs, clock = systemClock } = options;
  if (!address.startsWith("/")) {
    throw new GantryError("invalid_argument", `${JSON.stringify(address)} is not the absolute path of a socket`, {
      hint: "e.g. /run/containerd/containerd.sock",
    });
  }
  const [{ connectGrpc }, { ContainerdRuntime }, { LocalEngine }] = await Promise.all([
    import("../rpc/grpc_transport.ts"),
    import("./containerd_runtime.ts"),
    import("./local_engine.ts"),
  ]);
  const transport = connectGrpc(address, { waitForReadyMs });
  const runtime = new ContainerdRuntime({ transport, address, namespace, clock });
  return new LocalEngine({ runtime, instance, clock });
}

/** Options of {@link connectShims}. */
export interface ConnectShimsOptions extends Pick<ConnectOptions, "namespace" | "instance" | "clock"> {
  /** The shim's program: a path, or a name to be found in PATH; default `containerd-shim-runc-v2`. */
  readonly shim?: string | undefined;
}

/**
 * Opens an engine that runs containers on shims of its own, without containerd. Its containers are in directories of their
 * own below the instance's ({@link shimInstance}): a containerd does not see them, and the other way round.
 * `not_found` when there is no shim.
 */
export async function connectShims(options: ConnectShimsOptions = {}): Promise<Engine> {
  const { namespace = "default", instance = defaultInstance, clock = systemClock } = options;
  const shim = findProgram(options.shim ?? shimProgram, {
    searchPath: Deno.env.get("PATH") ?? "",
    otherwise: "install containerd, which brings it, or name it with --shim PATH",
  });
  const [{ ShimRuntime }, { LocalEngine }] = await Promise.all([
    import("./shim_runtime.ts"),
    import("./local_engine.ts"),
  ]);
  const own = shimInstance(instance);
  const runtime = new ShimRuntime({
    instance: own,
    namespace,
    shim,
    bundles: bundlesDirectory(instance.state),
    runtimeRoot: runtimeDirectory(instance.state),
    clock,
  });
  return new LocalEngine({ runtime, instance: own, clock });
}

/** What containerd's shim for runc is called. */
const shimProgram = "containerd-shim-runc-v2";
