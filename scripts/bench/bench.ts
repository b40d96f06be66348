/**
 * `deno task bench`: gantry against its peers in the same run, interleaved; medians and ratios, and a JSON file. Absolute
 * times say little on a shared machine; ratios hold. `--quick` takes few rounds, to see that it works.
 */
import { busyboxRootfs } from "../../tests/support/rootfs.ts";
import { containerdVersion, projectDir } from "../../tests/support/versions.ts";
import { type Contender, interleaved, printFigures, timeProcess } from "./measure.ts";
import {
  gantry,
  instanceFlags,
  memoryOf,
  pause,
  startDockerd,
  startGantry,
  type Supervised,
  untilAnswers,
} from "./peers.ts";

const quick = Deno.args.includes("--quick");
const { ctr } = containerdVersion("1.6");
const results: Record<string, unknown> = {};

await main();

async function main(): Promise<void> {
  const directory = await Deno.makeTempDir({ dir: "/tmp", prefix: "bench-" });
  try {
    await using ours = await startGantry(`${directory}/g`);
    await recovery(ours, directory);
    await running(ours, directory);
    await startUp(ours, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  await Deno.writeTextFile(`${projectDir}dist/bench.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log("\nwritten to dist/bench.json");
}

/** Time from kill -9 of containerd to its socket answering Version again; and what the supervisor holds in memory. */
async function recovery(ours: Supervised, directory: string): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dockerd = await startDockerd(`${directory}/d`);
  if (dockerd === undefined) console.log("no dockerd to compare with: scripts/setup --bench fetches one");
  else stack.use(dockerd);
  const both = dockerd === undefined ? [ours] : [ours, dockerd];
  await report("recovery", {
    title: "kill -9 of the supervised containerd until it answers Version",
    contenders: both.map((one) => ({ name: one.name, run: () => timeRecovery(one) })),
    rounds: quick ? 3 : 10,
  });
  const memory = await Promise.all(
    both.map(async ({ name, supervisorPid }) => ({ name, ...await memoryOf(supervisorPid) })),
  );
  results.memoryKiB = memory;
  console.log("\nmemory of the supervisor (KiB)");
  for (const { name, rss, pss } of memory) console.log(`  ${name.padEnd(44)} rss ${rss}  pss ${pss}`);
}

async function timeRecovery(supervised: Supervised): Promise<number> {
  const pid = await supervised.containerdPid();
  Deno.kill(pid, "SIGKILL");
  const ms = await untilAnswers(supervised.address);
  // The next round must not hit a supervisor that is still busy with this one.
  for (let tries = 0; tries < 500; tries++) {
    const next = await supervised.containerdPid();
    if (next !== 0 && next !== pid) break;
    await pause(20);
  }
  // A restart soon after the last one is delayed on purpose; 'immediate' is what a single crash sees.
  await pause(quick ? 1000 : 12_000);
  return ms;
}

/** A container from a directory, start to end. */
async function running(ours: Supervised, directory: string): Promise<void> {
  const rootfs = `${directory}/rootfs`;
  await busyboxRootfs(rootfs);
  const where = instanceFlags(`${directory}/g`);
  let number = 0;
  await report("run", {
    title: "a container from a directory, start to end",
    contenders: [
      process("gantry run --rm --rootfs DIR -- /bin/true", gantry, () => [
        ...["run", ...where, "--rm", "--rootfs", rootfs, "--", "/bin/true"],
      ]),
      process("ctr run --rm --rootfs DIR ID /bin/true", ctr, () => [
        ...["-a", ours.address, "run", "--rm", "--rootfs", rootfs, `b${number++}`, "/bin/true"],
      ]),
    ],
    rounds: quick ? 5 : 25,
  });
}

/** What people type most. */
async function startUp(ours: Supervised, directory: string): Promise<void> {
  const where = instanceFlags(`${directory}/g`);
  await report("startUp", {
    title: "start-up",
    contenders: [
      process("gantry --help", gantry, () => ["--help"]),
      process("gantry version --client", gantry, () => ["version", "--client"]),
      process("gantry version", gantry, () => ["version", ...where]),
      process("gantry ps", gantry, () => ["ps", ...where]),
      process("ctr containers ls", ctr, () => ["-a", ours.address, "containers", "ls"]),
    ],
    rounds: quick ? 5 : 25,
  });
}

function process(name: string, program: string, args: () => readonly string[]): Contender {
  return { name, run: () => timeProcess(program, args()) };
}

async function report(
  key: string,
  { title, contenders, rounds }: {
    readonly title: string;
    readonly contenders: readonly Contender[];
    readonly rounds: number;
  },
): Promise<void> {
  const figures = await interleaved(contenders, rounds);
  results[key] = figures;
  printFigures(title, figures);
}
