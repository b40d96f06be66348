/** `ps` with few and with many containers, against ctr's two lists, which together say as much. */
import { connectContainerd } from "../../lib/engine/connect.ts";
import { planContainer } from "../../lib/engine/plan.ts";
import { containerdVersion } from "../../tests/support/versions.ts";
import { rootfsIn } from "./life.ts";
import { timeProcess } from "./measure.ts";
import { expectSuccess, gantry, instanceFlags, type Supervised } from "./peers.ts";
import { compare, countRpcs, quick } from "./report.ts";

const { ctr } = containerdVersion("1.6");

/** Lists 1 and 500 containers; of the many only one runs. */
export async function lists(ours: Supervised, directory: string): Promise<void> {
  const where = instanceFlags(`${directory}/g`);
  const rootfs = await rootfsIn(directory);
  const started = await expectSuccess(gantry, ["run", ...where, "-d", "--rootfs", rootfs, "--", "sleep", "100000"]);
  const ids = [started.trim()];
  try {
    await oneList(ours, where, 1);
    ids.push(...await storeContainers(ours, directory, { rootfs, count: 499 }));
    await oneList(ours, where, 500);
  } finally {
    for (let from = 0; from < ids.length; from += 100) {
      await expectSuccess(gantry, ["rm", ...where, "-f", ...ids.slice(from, from + 100)]);
    }
  }
}

async function oneList(ours: Supervised, where: readonly string[], count: number): Promise<void> {
  const at = ["-a", ours.address];
  const peer = async (): Promise<number> =>
    await timeProcess(ctr, [...at, "containers", "ls"]) + await timeProcess(ctr, [...at, "tasks", "ls"]);
  await compare(`ps${count}`, {
    title: `list ${count} container${count > 1 ? "s" : ""}`,
    contenders: [
      { name: "gantry ps -a", run: () => timeProcess(gantry, ["ps", ...where, "-a"]) },
      { name: "ctr containers ls + ctr tasks ls", run: peer },
    ],
    rounds: quick ? 5 : 15,
  });
  await countRpcs(`ps${count}`, ours, [
    ["gantry ps -a", () => expectSuccess(gantry, ["ps", ...where, "-a"])],
    ["ctr c ls + ctr t ls", peer],
  ]);
}

async function storeContainers(
  { address }: Supervised,
  directory: string,
  { rootfs, count }: { readonly rootfs: string; readonly count: number },
): Promise<readonly string[]> {
  const instance = { root: `${directory}/g/root`, state: `${directory}/g/state` };
  await using engine = await connectContainerd({ address, instance });
  const ids: string[] = [];
  for (let number = 0; number < count; number++) {
    const plan = await planContainer(
      { rootfs: { path: rootfs, overlay: false }, command: ["/bin/true"] },
      { instance, namespace: engine.namespace, detached: true },
    );
    await engine.reserve(plan);
    await engine.store(plan);
    await engine.settle(plan.id);
    ids.push(plan.id);
  }
  return ids;
}
