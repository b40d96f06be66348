/**
 * `deno task bench`: gantry against its peers in the same run, interleaved; medians and ratios, and a JSON file. Absolute
 * times say little on a shared machine; ratios hold. `--quick` takes few rounds, to see that it works; arguments are the
 * topics wanted (recovery, running, shims, steps, execs, lists, checkpoints,
 * startUp), e.g. `deno task bench --quick execs`.
 */
import { checkpoints } from "./checkpoint.ts";
import { execs } from "./exec.ts";
import { running, steps } from "./life.ts";
import { lists } from "./list.ts";
import { containerdVersion, projectDir } from "../../tests/support/versions.ts";
import { processContender } from "./measure.ts";
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
import { compare, quick, results } from "./report.ts";
import { shims } from "./shims.ts";

const { ctr } = containerdVersion("1.6");
/** In the order in which they are measured; arguments name those wanted, none means all. */
const topics = { recovery, running, shims, steps, execs, lists, checkpoints, startUp } as const;

await main();

async function main(): Promise<void> {
  const directory = await Deno.makeTempDir({ dir: "/tmp", prefix: "bench-" });
  try {
    await using ours = await startGantry(`${directory}/g`);
    const wanted = Deno.args.filter((word) => !word.startsWith("-"));
    for (const [name, topic] of Object.entries(topics)) {
      if (wanted.length === 0 || wanted.includes(name)) await topic(ours, directory);
    }
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
  await compare("recovery", {
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

/** What people type most. */
async function startUp(ours: Supervised, directory: string): Promise<void> {
  const where = instanceFlags(`${directory}/g`);
  await compare("startUp", {
    title: "start-up",
    contenders: [
      processContender("gantry --help", gantry, () => ["--help"]),
      processContender("gantry version --client", gantry, () => ["version", "--client"]),
      processContender("gantry version", gantry, () => ["version", ...where]),
      processContender("gantry ps", gantry, () => ["ps", ...where]),
      processContender("ctr containers ls", ctr, () => ["-a", ours.address, "containers", "ls"]),
    ],
    rounds: quick ? 5 : 25,
  });
}
