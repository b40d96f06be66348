/** An engine of an instance in the test's own process. */
import { systemClock } from "../../lib/base/clock.ts";
import { connectContainerd, connectShims } from "../../lib/engine/connect.ts";
import type { Engine } from "../../lib/engine/engine.ts";
import type { Runtime } from "../../lib/engine/runtime.ts";
import type { GantryInstance } from "./gantry.ts";
import { testRuntime } from "./test_runtime.ts";

// Loaded inside a test, their modules would count as its open files.
const [{ connectGrpc }, { ContainerdRuntime }, { ShimRuntime }] = await Promise.all([
  import("../../lib/rpc/grpc_transport.ts"),
  import("../../lib/engine/containerd_runtime.ts"),
  import("../../lib/engine/shim_runtime.ts"),
  import("../../lib/engine/local_engine.ts"),
]);

const namespace = "default";

/** Opens an engine that has the instance's containers. */
export async function openEngine({ containerd, directories, root, state }: GantryInstance): Promise<Engine> {
  if (testRuntime === "shim") {
    return await connectShims({ shim: containerd.version.shim, instance: directories });
  }
  return await connectContainerd({ address: containerd.address, instance: { root, state } });
}

/** Opens what the instance's engines are made of: records of containers, and tasks. */
export function openRuntime({ containerd, root, state }: GantryInstance): Runtime {
  if (testRuntime === "shim") {
    const { version: { shim }, tasks: bundles, runcRoot } = containerd;
    const instance = { root, state };
    return new ShimRuntime({ instance, namespace, shim, bundles, runtimeRoot: runcRoot, clock: systemClock });
  }
  const { address } = containerd;
  return new ContainerdRuntime({ transport: connectGrpc(address), address, namespace, clock: systemClock });
}
