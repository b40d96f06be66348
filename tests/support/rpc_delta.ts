/** Which RPCs a containerd was asked while something was done, counted by itself. */
import type { TestContainerd } from "./private_containerd.ts";

/** Does `work` and gives the RPCs made meanwhile, as `Tasks/Kill 1`, sorted. */
export async function rpcsDuring(containerd: TestContainerd, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = await containerd.rpcCounts();
  await work();
  const counted = [...await containerd.rpcCounts()].map(([rpc, count]) => ({
    rpc,
    count: count - (before.get(rpc) ?? 0),
  }));
  return counted.filter(({ count }) => count > 0).map(({ rpc, count }) => `${rpc.split(".").at(-1)} ${count}`).sort();
}
