/** Which RPCs a containerd is asked while something is done, counted by itself. */
import assert from "node:assert/strict";
import type { GantryInstance } from "./gantry.ts";
import { testRuntime } from "./test_runtime.ts";

/**
 * Does `work`, and fails unless containerd was asked exactly `rpcs` meanwhile: each as `Tasks/Kill 1`, sorted. Where there
 * is no containerd nobody counts.
 */
export async function assertRpcs(
  { containerd }: GantryInstance,
  rpcs: readonly string[],
  work: () => Promise<unknown>,
): Promise<void> {
  if (testRuntime === "shim") {
    await work();
    return;
  }
  const before = await containerd.rpcCounts();
  await work();
  const counted = [...await containerd.rpcCounts()].map(([rpc, count]) => ({
    rpc,
    count: count - (before.get(rpc) ?? 0),
  }));
  const asked = counted.filter(({ count }) => count > 0).map(({ rpc, count }) => `${rpc.split(".").at(-1)} ${count}`);
  assert.deepEqual(asked.sort(), rpcs);
}
