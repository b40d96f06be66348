/**
 * Runs checks and tests and counts them: `run_tests.ts [-v] [checks|unit|smoke|integration|shims|FILE]…`; by default all but
 * `shims`. Unit tests run side by side; every other file in a process of its own, some two at a time, with a time limit and a
 * folder of its own, and must leave nothing behind. `integration` ends with a part of `shims`: the tests of what users do
 * with containers once more (`FILE [shim]`), on shims that gantry runs itself and without any containerd.
 * The last line is `N passed, N failed, N skipped`; the exit code is 1 unless all passed.
 */
import { leftSince, snapshot } from "../tests/support/leftovers.ts";
import { containerdVersions, criuVersion } from "../tests/support/versions.ts";
import { checks } from "./testing/checks.ts";
import { confinedRun, endEverything } from "./testing/confined_run.ts";
import { count, type Counts, sum, testCases } from "./testing/junit.ts";

const groups = ["checks", "unit", "smoke", "integration"] as const;
const root = new URL("../", import.meta.url).pathname;

/** Seconds that one test file may take, and all unit tests together. */
const fileSeconds = Number(Deno.env.get("GANTRY_TEST_TIMEOUT") ?? 600);

/** How many of {@link shareable} run at a time. */
const lanes = Number(Deno.env.get("GANTRY_TEST_LANES") ?? 2);

/** Files that mostly wait and time nothing. The others, with outages and limits, run one by one after them. */
const shareable =
  /\/(attach|cp|create_start|exec_(client|parallel|run)|inspect|library|metrics|names|oci|pause|restart|run_(detached|exit|options|replace|streams)|spec|start_failure|stop_kill|task_api|top|update|wait|shim_(admin|contract|events|gc|interrupted|lost|start|tasks))_/;

/** Files of `shims`: all with tests that need not know who runs the containers. */
const onShims =
  /\/(attach|checkpoint_(criu|list|restore)|cp|create|exec|hung_shim|inspect|library|metrics|names|oci|outage|pause|ps|restart|rm|run|signals|start|stats|stop|top|tty|update|wait)_/;

/** Those of them that `integration` runs too, on one version's shim: what the two ways of running containers may do differently. */
const onShimsBriefly =
  /\/(attach|checkpoint_restore|create_start|exec_|library|names|oci|pause|restart|rm_force|run_(detached|exit|left|many|replace|streams)|signals|start_failure|stop_kill|tty|wait)/;

/** Those of them with limits of time that a neighbour would break. */
const alone = /\/(checkpoint|hung_shim|metrics|ps|signals|stats)_/;

/** Which containers a file is run with. */
interface Pass {
  /** Printed behind the file's name. */
  readonly mark?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Files that may run beside others. */
  readonly shareable: (file: string) => boolean;
}

const usual: Pass = { shareable: (file) => shareable.test(file) };
const shimPass: Pass = {
  mark: " [shim]",
  env: { GANTRY_TEST_RUNTIME: "shim" },
  shareable: (file) => !alone.test(file),
};
const briefShimPass: Pass = {
  ...shimPass,
  env: { ...shimPass.env, GANTRY_TEST_VERSIONS: "1.7", GANTRY_TEST_KILL_POINTS: "12", GANTRY_TEST_RUNS: "30" },
};

// deno-lint-ignore no-control-regex
const colors = /\x1b\[[0-9;]*m/g;
let started = 0;

const words = Deno.args.filter((word) => word !== "-v");
const verbose = Deno.args.includes("-v");
const runs = words.length === 0 ? groups : words;

Deno.chdir(root);
printVersions();
// Short, because the paths of sockets made in it may have 104 bytes at most.
const home = `/tmp/gt${Deno.pid}`;
await Deno.mkdir(home, { mode: 0o755 });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // The tests run in sessions of their own: the terminal's Ctrl-C reaches only us.
  Deno.addSignalListener(signal, () => void endEverything(home).finally(() => Deno.exit(130)));
}
const before = await snapshot();
const counts: Counts[] = [];
for (const run of runs) counts.push(...await runWord(run));
counts.push(await checkMachine());
await Deno.remove(home, { recursive: true });
const { passed, failed, skipped } = sum(counts);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);

async function runWord(word: string): Promise<Counts[]> {
  if (word === "checks") return await runChecks();
  if (word === "unit") return [await runDenoTest("unit tests", ["--parallel", "tests/unit"])];
  const folder = groups.some((group) => group === word) ? word : word === "shims" ? "integration" : undefined;
  const files = folder === undefined ? [word] : await testFiles(`tests/${folder}`);
  if (word === "shims") return await runFiles(files.filter((file) => onShims.test(file)), shimPass);
  const all = await runFiles(files, usual);
  if (word !== "integration") return all;
  return [...all, ...await runFiles(files.filter((file) => onShimsBriefly.test(file)), briefShimPass)];
}

async function runFiles(files: readonly string[], { mark = "", env, shareable }: Pass): Promise<Counts[]> {
  const all: Counts[] = [];
  const run = async (file: string): Promise<void> => {
    all.push(await runDenoTest(`${file}${mark}`, [file], env));
  };
  const shared = files.filter(shareable).values();
  const lane = async (): Promise<void> => {
    for (const file of shared) await run(file);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  for (const file of files.filter((each) => !shareable(each))) await run(file);
  return all;
}

async function runChecks(): Promise<Counts[]> {
  const all: Counts[] = [];
  for (const { name, program, args, remedy } of checks) {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    if (!success) {
      Deno.stdout.writeSync(stdout);
      Deno.stdout.writeSync(stderr);
    }
    console.log(success ? `check: ${name}: ok` : `check: ${name}: FAILED (${remedy})`);
    all.push({ passed: Number(success), failed: Number(!success), skipped: 0 });
  }
  return all;
}

/** One `deno test` with its clean-up; that nothing stays behind counts as one more test. */
async function runDenoTest(title: string, args: readonly string[], env: Pass["env"] = {}): Promise<Counts> {
  if (verbose) console.log(`${title} …`);
  const id = String(++started);
  const report = `${home}/${id}.xml`;
  const run = await confinedRun(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--quiet", `--junit-path=${report}`, ...args],
    env,
    scope: `${home}/${id}`,
    timeoutMs: fileSeconds * 1000,
    verbose,
  });
  const cases = testCases(await Deno.readTextFile(report).catch(() => ""));
  const counted = count(cases);
  // A crash, a time-out and an error outside any test are failures that the report does not know.
  const unreported = run.timedOut || cases.length === 0 || (run.code !== 0 && counted.failed === 0);
  const total = sum([
    counted,
    { passed: 0, failed: Number(unreported), skipped: 0 },
    { passed: Number(run.left.length === 0 && !run.timedOut), failed: Number(run.left.length > 0), skipped: 0 },
  ]);
  const lines = run.output.replace(colors, "").split("\n");
  if (!verbose) {
    const passes = total.failed > 0 ? /\.\.\. (ok|ignored) \(/ : /^(?!skipped: )/;
    for (const line of lines.filter((line) => !passes.test(line))) console.log(`  ${line}`);
  }
  if (run.timedOut) console.log(`${title}: killed after ${fileSeconds} s (GANTRY_TEST_TIMEOUT)`);
  else if (cases.length === 0) console.log(`${title}: ran no test (exit code ${run.code})`);
  else if (unreported) console.log(`${title}: exit code ${run.code} although no test failed`);
  for (const line of run.left) console.log(`${title}: left behind: ${line}`);
  console.log(
    `${title}: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped (${run.seconds.toFixed(1)} s)`,
  );
  return total;
}

/** On a machine of our own nothing at all may have changed; elsewhere other suites come and go, but for cgroups. */
async function checkMachine(): Promise<Counts> {
  const isOurs = Deno.env.get("CI") !== undefined;
  const left = (await leftSince(before)).filter((line) => isOurs || line.startsWith("cgroup "));
  for (const line of left) console.log(`the whole run left behind: ${line}`);
  return { passed: Number(left.length === 0), failed: Number(left.length > 0), skipped: 0 };
}

async function testFiles(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) files.push(...await testFiles(`${folder}/${name}`));
    else if (name.endsWith("_test.ts")) files.push(`${folder}/${name}`);
  }
  return files.sort();
}

function printVersions(): void {
  const versions = [
    `Deno ${Deno.version.deno}`,
    `Linux ${Deno.osRelease()}`,
    ...containerdVersions().map(({ label, version, skip }) => `containerd ${label}: ${skip ?? version}`),
    `CRIU ${criuVersion().skip ?? criuVersion().version}`,
  ];
  console.log(versions.join(", "));
}
