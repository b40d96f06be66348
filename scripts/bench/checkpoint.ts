/** Checkpoints of a container with much dirty memory, against ctr's to a directory and into the content store. */
import { eventually } from "../../tests/support/eventually.ts";
import { GantryInstance } from "../../tests/support/gantry.ts";
import { containerdVersion } from "../../tests/support/versions.ts";
import { type Contender, timeProcess } from "./measure.ts";
import { gantry } from "./peers.ts";
import { compare, quick, results } from "./report.ts";

const version = containerdVersion("2.1");
const dirtyKiB = 100 << 10;
/** One string, each page of it written. */
const hog = `BEGIN { s = sprintf("%${dirtyKiB * 1024}s", "x"); while (1) system("sleep 1000") }`;

/** Of 100 MiB of dirty memory, in a containerd of its own that finds CRIU; the container goes on. */
export async function checkpoints(): Promise<void> {
  await using instance = await GantryInstance.open(version);
  const { address } = instance.containerd;
  const where = ["--root", instance.root, "--state", instance.state, "--address", address];
  const run = ["run", ...where, "-d", "--name", "hog", "--rootfs", instance.rootfs, "--", "awk", hog];
  await timeProcess(gantry, run);
  const { id, pid } = await instance.onlyRunning();
  await eventually(async () => await residentKiB(pid) > dirtyKiB, { what: "100 MiB of memory" });
  let number = 0;
  const directory = (): string => `${instance.directory}/images-${number++}`;
  const contenders: readonly Contender[] = [
    {
      name: "gantry checkpoint -R",
      async run() {
        const name = `c${number++}`;
        const ms = await timeProcess(gantry, ["checkpoint", ...where, "-R", "-n", name, "hog"]);
        await timeProcess(gantry, ["checkpoints", "rm", ...where, "hog", name]);
        return ms;
      },
    },
    {
      name: "ctr task checkpoint --image-path",
      async run() {
        const path = directory();
        await Deno.mkdir(path);
        const ms = await timeProcess(version.ctr, ["-a", address, "task", "checkpoint", "--image-path", path, id]);
        await Deno.remove(path, { recursive: true });
        return ms;
      },
    },
    {
      name: "ctr task checkpoint (content store)",
      run: () => timeProcess(version.ctr, ["-a", address, "task", "checkpoint", id]),
    },
  ];
  const rpcs: Record<string, number> = {};
  for (const contender of contenders) {
    const before = await total(instance);
    await contender.run();
    rpcs[contender.name] = await total(instance) - before;
  }
  await compare("checkpoint", {
    title: `checkpoint of ${await residentKiB(pid) >> 10} MiB, left running (containerd ${version.version})`,
    contenders,
    rounds: quick ? 3 : 15,
  });
  for (const [name, count] of Object.entries(rpcs)) {
    console.log(`  ${name.padEnd(44)} ${String(count).padStart(3)} RPCs`);
  }
  results.checkpointRpcs = rpcs;
}

async function total(instance: GantryInstance): Promise<number> {
  return [...(await instance.containerd.rpcCounts()).values()].reduce((sum, count) => sum + count, 0);
}

async function residentKiB(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}
