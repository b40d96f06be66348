import assert from "node:assert/strict";
import { acquireLock } from "../../lib/base/lock.ts";
import { processState } from "../../lib/base/proc.ts";
import { Supervisor, type SupervisorContext } from "../../lib/supervisor/supervisor.ts";
import type { SupervisorStatus } from "../../lib/supervisor/status.ts";
import { goodVersion, writeFake } from "../support/fakes/fake_containerd.ts";
import { type Instance, lives, onContainerd, onEachContainerd } from "../support/supervised.ts";
import { containerdVersion } from "../support/versions.ts";
import { namesIn } from "../unit/base/directories.ts";
import { eventually } from "../unit/base/processes.ts";

const v17 = containerdVersion("1.7");
// Above 250 ms: grpc-js 1.14 leaves a timer of that length behind on a channel that is closed while it connects
// (PickFirstLoadBalancer.destroy() does not clear connectionDelayTimeout), and it would count as the test's.
const quick = { healthIntervalMs: 320, healthTimeoutMs: 300, healthFailures: 3, stableMs: 0 };

interface Running extends AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly pid: number;
  readonly seen: readonly SupervisorStatus[];
  /** Resolves when another containerd than `pid` serves. */
  served(pid: number): Promise<SupervisorStatus>;
}

async function start(it: Instance, context: SupervisorContext = {}): Promise<Running> {
  const supervisor = await Supervisor.open(it.options, context);
  const { containerdPid = 0 } = await supervisor.start();
  const seen: SupervisorStatus[] = [];
  supervisor.onStatus((status) => seen.push(status));
  return {
    supervisor,
    pid: containerdPid,
    seen,
    served: (pid) =>
      eventually(() => {
        const status = supervisor.status();
        return status.state === "serving" && status.containerdPid !== pid && status;
      }),
    [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
  };
}

onEachContainerd(
  "S12 after kill -9 containerd serves again at once, and containers have kept their pids",
  {},
  async (it) => {
    await using running = await start(it);
    const container = await it.container("c1");
    const began = performance.now();
    Deno.kill(running.pid, "SIGKILL");
    const status = await running.served(running.pid);
    const took = performance.now() - began;
    console.log(`  ${it.version.version}: serves again ${took.toFixed(0)} ms after kill -9`);
    assert.ok(took < 2000, `${took} ms`);
    assert.match(await it.ctr("version"), /Server:/);
    assert.match(await it.ctr("task", "ls"), new RegExp(`c1\\s+${container}\\s+RUNNING`));
    assert.deepEqual([status.restarts, status.adopted], [1, false]);
    assert.equal(status.lastFailure?.reason, "it ended with signal SIGKILL");
    assert.deepEqual(running.seen.map(({ state }) => state).filter((state) => state !== "restarting"), ["serving"]);
    assert.equal(JSON.parse(await Deno.readTextFile(it.paths.identity)).identity.pid, status.containerdPid);
  },
);

onEachContainerd(
  "S13 a stopped containerd is noticed, dumped and replaced, and containers go on",
  quick,
  async (it) => {
    await using running = await start(it);
    const container = await it.container("c1");
    const began = performance.now();
    Deno.kill(running.pid, "SIGSTOP");
    await eventually(() => running.seen.some(({ state }) => state === "unhealthy"));
    const status = await running.served(running.pid);
    const took = performance.now() - began;
    assert.ok(took < 8000, `${took} ms`);
    assert.match(status.lastFailure?.reason ?? "", /took (too long|longer than)/);
    const reports = namesIn(it.paths.logDirectory).filter((name) => name.startsWith("hang-"));
    assert.equal(reports.length, 1);
    const report = await Deno.readTextFile(`${it.paths.logDirectory}/${reports[0]}`);
    assert.match(report, /3 health checks in a row failed/);
    assert.match(report, /thread \d+ \(containerd\) state T \(stopped\)/);
    assert.match(report, /== goroutines ==\n[^]*goroutine \d+ \[/);
    assert.deepEqual(namesIn(it.paths.containerdTemp), []);
    assert.match(await it.ctr("task", "ls"), new RegExp(`c1\\s+${container}\\s+RUNNING`));
  },
);

onContainerd("S13 a containerd that stands still for less than the threshold is not touched", {
  version: v17,
  ...quick,
  healthFailures: 20,
}, async (it) => {
  await using running = await start(it);
  Deno.kill(running.pid, "SIGSTOP");
  await eventually(() => running.supervisor.status().state === "unhealthy");
  Deno.kill(running.pid, "SIGCONT");
  await eventually(() => running.supervisor.status().state === "serving");
  assert.equal(running.supervisor.status().containerdPid, running.pid);
  assert.equal(running.supervisor.status().restarts, 0);
});

onContainerd("S13 a containerd whose socket was removed is replaced", { version: v17, ...quick }, async (it) => {
  await using running = await start(it);
  await Deno.remove(it.paths.address);
  const status = await running.served(running.pid);
  assert.match(status.lastFailure?.reason ?? "", /its socket has been removed/);
  assert.match(await it.ctr("version"), /Server:/);
});

onContainerd("S12 what is to be done before a restart happens between the two lives", { version: v17 }, async (it) => {
  const calls: boolean[] = [];
  let first = 0;
  await using running = await start(it, {
    beforeRestart: async () => {
      calls.push(await lives(first));
      // Nothing serves meanwhile.
      await assert.rejects(Deno.connect({ transport: "unix", path: it.paths.address }));
    },
  });
  first = running.pid;
  Deno.kill(first, "SIGKILL");
  await running.served(first);
  assert.deepEqual(calls, [false]);
});

onContainerd(
  "S14 a crash loop ends at the restart limit, with a report",
  { version: v17, restartLimit: 2 },
  async (it) => {
    const containerd = `${it.path}/fake`;
    // Serves once, and never again.
    await writeFake(containerd, {
      version: goodVersion,
      body: `[ -e ${it.path}/once ] && { echo no second time; exit 70; }; touch ${it.path}/once
exec ${it.version.containerd} --config "$CONFIG"`,
    });
    await using running = await start({ ...it, options: { ...it.options, containerd } });
    Deno.kill(running.pid, "SIGKILL");
    const end = await running.supervisor.ended;
    assert.equal(end.reason, "restart_limit");
    assert.match(
      end.report ?? "",
      /^containerd keeps failing: 2 restarts in a row did not help: it ended with exit code 70/,
    );
    assert.match(end.report ?? "", /no second time$/);
    assert.ok(running.seen.some(({ state }) => state === "failing"));
    assert.deepEqual(namesIn(it.paths.state), ["containerd", "containerd.toml", "status.json"]);
  },
);

onContainerd(
  "a program that is replaced while containerd runs is used at the next restart",
  { version: v17 },
  async (it) => {
    const other = containerdVersion("1.6");
    const containerd = `${it.path}/containerd`;
    await Deno.symlink(it.version.containerd, containerd);
    await using running = await start({ ...it, options: { ...it.options, containerd } });
    assert.match(running.supervisor.status().version ?? "", /^1\.7/);
    await Deno.remove(containerd);
    await Deno.symlink(other.containerd, containerd);
    Deno.kill(running.pid, "SIGKILL");
    const { version } = await running.served(running.pid);
    assert.equal(version, other.version);
  },
);

onContainerd("a state directory that is emptied under a running containerd is made again at the restart", {
  version: v17,
}, async (it) => {
  await using running = await start(it);
  for (const name of namesIn(it.paths.state)) {
    if (name.startsWith("containerd.")) await Deno.remove(`${it.paths.state}/${name}`, { recursive: true });
  }
  Deno.kill(running.pid, "SIGKILL");
  await running.served(running.pid);
  assert.match(await it.ctr("version"), /Server:/);
  await assert.rejects(acquireLock(it.paths.lock, { content: "x" }), /is locked by/);
});

onContainerd(
  "S15 a stop while containerd hangs ends it all the same",
  { version: v17, ...quick, stopTimeoutMs: 500 },
  async (it) => {
    const running = await start(it);
    Deno.kill(running.pid, "SIGSTOP");
    await eventually(() => processState(running.pid) === "T");
    const end = await running.supervisor.stop();
    assert.equal(end.reason, "stopped");
    assert.equal(await lives(running.pid), false);
  },
);
