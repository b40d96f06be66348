import assert from "node:assert/strict";
import { up } from "../../lib/daemon/up.ts";
import { isCode } from "../../lib/base/errors.ts";
import { processState, readStat } from "../../lib/base/proc.ts";
import { readStatus } from "../../lib/supervisor/read_status.ts";
import { stopInstance } from "../../lib/supervisor/stop_instance.ts";
import { Supervisor } from "../../lib/supervisor/supervisor.ts";
import { waitForReady } from "../../lib/supervisor/wait_for_ready.ts";
import { hangs, ignoresTerm, writeFake } from "../support/fakes/fake_containerd.ts";
import { killHard, lives, onContainerd, onEachContainerd, supervise } from "../support/supervised.ts";
import { containerdVersion } from "../support/versions.ts";
import { datagramReceiver } from "../unit/base/datagram_receiver.ts";
import { namesIn } from "../unit/base/directories.ts";
import { eventually } from "../unit/base/processes.ts";

const v17 = containerdVersion("1.7");
const leftovers = ["containerd", "containerd.toml", "status.json"];

onEachContainerd("S15 SIGTERM ends gantry and containerd with 0, and containers still run", {}, async (it) => {
  const gantry = await supervise(it.options);
  const { containerdPid = 0 } = await readStatus(it.options);
  const container = await it.container("c1");
  await gantry.stop();
  assert.deepEqual([await lives(containerdPid), await lives(container)], [false, true]);
  assert.deepEqual(namesIn(it.paths.state), leftovers, "pidfile, socket and lock are gone");
  const { state, containerdPid: pid, lastFailure } = await readStatus(it.options);
  assert.deepEqual([state, pid, lastFailure], ["down", undefined, undefined]);
});

onContainerd("S15 a containerd that does not heed TERM is killed after the stop timeout", {
  version: v17,
  stopTimeoutMs: 300,
}, async (it) => {
  const containerd = `${it.path}/fake`;
  await writeFake(containerd, { body: `echo ready; ${ignoresTerm}` });
  const supervisor = await Supervisor.open({ ...it.options, containerd });
  const started = supervisor.start().catch((error) => error);
  const pid = await eventually(() => supervisor.status().containerdPid);
  await eventually(async () => (await Deno.readTextFile(it.paths.log)).includes("ready"));
  const began = performance.now();
  assert.deepEqual((await supervisor.stop()).reason, "stopped");
  assert.ok(performance.now() - began >= 300);
  assert.equal(await lives(pid), false);
  assert.ok(isCode(await started, "cancelled"));
});

onContainerd("S15 a stop at any moment of a start ends all of it", { version: v17 }, async (it) => {
  for (let delay = 0; delay < 200; delay += 14) {
    const gantry = await supervise(it.options, { waits: false });
    // From here on it listens to signals.
    await eventually(async () => (await readStatus(it.options)).state !== "down");
    await new Promise((resolve) => setTimeout(resolve, delay));
    await gantry.stop();
    assert.deepEqual(namesIn(it.paths.state).filter((name) => !leftovers.includes(name)), [], `after ${delay} ms`);
    assert.equal((await readStatus(it.options)).state, "down");
  }
});

onContainerd("S15 a start with a signal that is aborted is stopped", { version: v17 }, async (it) => {
  const supervisor = await Supervisor.open(it.options);
  await assert.rejects(supervisor.start({ signal: AbortSignal.abort() }), (error) => isCode(error, "cancelled"));
  assert.equal((await supervisor.ended).reason, "stopped");
});

onContainerd(
  "S16 a second up on the same state directory is refused and names the holder's pid",
  { version: v17 },
  async (it) => {
    const gantry = await supervise(it.options);
    await assert.rejects(Supervisor.open(it.options), (error) => {
      assert.ok(isCode(error, "failed_precondition"));
      return error.message.includes(it.paths.state) && error.message.includes(`pid ${gantry.pid}`);
    });
    const second = await supervise(it.options, { waits: false });
    const result = await waitForReady({ ...it.options, pid: second.pid });
    assert.deepEqual(result, { ready: false, report: undefined });
    const { code, stderr } = await second.ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`already up in ${it.paths.state} \\(pid ${gantry.pid}\\)`));
    assert.equal((await readStatus(it.options)).supervisorPid, gantry.pid);
    await gantry.stop();
  },
);

onContainerd(
  "S17 the OOM score of containerd is set on a child and on an adopted one",
  { version: v17, oomScore: 321 },
  async (it) => {
    const first = await supervise({ ...it.options, oomScore: 123 });
    const { containerdPid = 0 } = await readStatus(it.options);
    const score = async (): Promise<string> => (await Deno.readTextFile(`/proc/${containerdPid}/oom_score_adj`)).trim();
    assert.equal(await score(), "123");
    assert.match(await Deno.readTextFile(it.paths.config), /\noom_score = 123\n/);
    first.kill("SIGKILL");
    await first.ended;
    await using supervisor = await Supervisor.open(it.options);
    await supervisor.start();
    assert.equal(await score(), "321");
  },
);

onContainerd("S17 a refused OOM score does not end the start", { version: v17, oomScore: -1000 }, async (it) => {
  await using supervisor = await Supervisor.open(it.options);
  assert.equal((await supervisor.start()).state, "serving");
  assert.doesNotMatch(await Deno.readTextFile(it.paths.log), /level=error/);
});

onContainerd("S18 with --die-with-parent containerd dies with gantry, however that dies", {
  version: v17,
  dieWithParent: true,
}, async (it) => {
  const gantry = await supervise(it.options);
  const { containerdPid = 0 } = await readStatus(it.options);
  const container = await it.container("c1");
  // Threads of gantry come and go meanwhile; only the end of the process counts.
  await Promise.all(Array.from({ length: 40 }, () => it.ctr("version")));
  assert.ok(await lives(containerdPid));
  gantry.kill("SIGKILL");
  await gantry.ended;
  await eventually(async () => !await lives(containerdPid));
  assert.ok(await lives(container));
});

onContainerd("S18 without it containerd has a session of its own and outlives gantry", { version: v17 }, async (it) => {
  const gantry = await supervise(it.options);
  const { containerdPid = 0 } = await readStatus(it.options);
  const [, , group, session] = (await Deno.readTextFile(`/proc/${containerdPid}/stat`)).split(") ")[1]?.split(" ") ??
    [];
  assert.deepEqual([Number(group), Number(session)], [containerdPid, containerdPid]);
  assert.equal(readStat(containerdPid)?.parent, gantry.pid);
  gantry.kill("SIGKILL");
  await gantry.ended;
  assert.ok(await lives(containerdPid));
});

onContainerd("S21 up says READY when containerd serves, STOPPING at the end, and signs of life between", {
  version: v17,
}, async (it) => {
  using receiver = datagramReceiver(`${it.path}/notify`);
  const stop = new AbortController();
  const messages: string[] = [];
  const collect = (): string => {
    for (let text = receiver.receive(); text !== undefined; text = receiver.receive()) messages.push(text);
    return messages.join("\n");
  };
  let served = "";
  const ended = up(it.options, {
    signal: stop.signal,
    env: { NOTIFY_SOCKET: `${it.path}/notify`, WATCHDOG_USEC: "40000" },
    onReady: ({ version = "" }) => served = version,
  });
  await eventually(() => /READY=1\nSTATUS=serving: containerd 1\.7/.test(collect()));
  assert.match(served, /^1\.7/);
  assert.doesNotMatch(messages.slice(0, messages.findIndex((text) => text.startsWith("READY"))).join(), /STOPPING/);
  await eventually(() => messages.splice(0).length === 0 || /WATCHDOG=1/.test(collect()));
  const environment = await Deno.readTextFile(`/proc/${(await readStatus(it.options)).containerdPid}/environ`);
  assert.doesNotMatch(environment, /NOTIFY_SOCKET/);
  stop.abort();
  assert.equal((await ended).reason, "stopped");
  assert.match(collect(), /STOPPING=1/);
});

onContainerd(
  "S21 up never says READY for a start that fails, and ends with its report",
  { version: v17 },
  async (it) => {
    using receiver = datagramReceiver(`${it.path}/notify`);
    const containerd = await writeFake(`${it.path}/fake`, { body: "echo no; exit 3" });
    const env = { NOTIFY_SOCKET: `${it.path}/notify` };
    const end = await up({ ...it.options, containerd }, { signal: new AbortController().signal, env });
    assert.equal(end.reason, "start_failed");
    const messages: string[] = [];
    for (let text = receiver.receive(); text !== undefined; text = receiver.receive()) messages.push(text);
    assert.doesNotMatch(messages.join("\n"), /READY/);
    assert.match(messages.join("\n"), /STOPPING=1\nSTATUS=containerd did not start: it ended with exit code 3/);
  },
);

onContainerd(
  "S22 status answers from down, starting, serving, failing, orphaned and adopted",
  { version: v17 },
  async (it) => {
    const state = async (): Promise<string> => (await readStatus(it.options)).state;
    assert.equal(await state(), "down");
    const slow = await writeFake(`${it.path}/slow`, { body: `sleep 1; exec ${it.version.containerd} "$@"` });
    const gantry = await supervise({ ...it.options, containerd: slow, stableMs: 0 }, { waits: false });
    await eventually(async () => await state() === "starting");
    const ready = await waitForReady({ ...it.options, pid: gantry.pid });
    assert.ok(ready.ready);
    const serving = await readStatus(it.options);
    assert.deepEqual([serving.state, serving.supervisorPid, serving.adopted], ["serving", gantry.pid, false]);
    assert.match(serving.version ?? "", /^1\.7/);
    assert.ok((serving.uptimeSeconds ?? 0) > 0.5);
    // Now it can only crash.
    await writeFake(`${it.path}/slow`, { version: "echo nonsense", body: hangs });
    Deno.kill(serving.containerdPid ?? 0, "SIGKILL");
    await eventually(async () => await state() === "failing");
    const failing = await readStatus(it.options);
    assert.match(failing.lastFailure?.reason ?? "", /that is no containerd/);
    assert.equal(failing.containerdPid, undefined);
    gantry.kill("SIGKILL");
    await gantry.ended;
    assert.equal(await state(), "down");
    const second = await supervise(it.options);
    second.kill("SIGKILL");
    await second.ended;
    assert.equal(await state(), "orphaned");
    const third = await supervise(it.options);
    const adopted = await readStatus(it.options);
    assert.deepEqual([adopted.state, adopted.adopted, adopted.supervisorPid], ["serving", true, third.pid]);
    await third.stop();
  },
);

onContainerd("S15 down ends a supervisor, an orphan, and finds nothing to end", { version: v17 }, async (it) => {
  const down = () => stopInstance({ ...it.options, stopTimeoutMs: 5000 });
  assert.deepEqual(await down(), { stopped: false, killed: false });
  const gantry = await supervise(it.options);
  const { containerdPid = 0 } = await readStatus(it.options);
  assert.deepEqual(await down(), { stopped: true, supervisorPid: gantry.pid, orphanPid: undefined, killed: false });
  assert.equal((await gantry.ended).code, 0);
  assert.equal(await lives(containerdPid), false);
  assert.equal((await down()).stopped, false);

  const killed = await supervise(it.options);
  const { containerdPid: orphan = 0 } = await readStatus(it.options);
  killed.kill("SIGKILL");
  await killed.ended;
  const result = await down();
  assert.deepEqual([result.stopped, result.orphanPid, result.killed], [true, orphan, false]);
  assert.equal(await lives(orphan), false);
  assert.deepEqual(namesIn(it.paths.state), leftovers);
});

onContainerd(
  "S15 down ends a supervisor that is stopped, and one that does not listen",
  { version: v17 },
  async (it) => {
    const gantry = await supervise(it.options);
    gantry.kill("SIGSTOP");
    await eventually(() => processState(gantry.pid) === "T");
    const result = await stopInstance({ ...it.options, stopTimeoutMs: 5000 });
    assert.deepEqual([result.stopped, result.killed], [true, false]);
    assert.equal((await gantry.ended).code, 0);
  },
);

onContainerd("S15 down after both were killed removes what they left", { version: v17 }, async (it) => {
  const gantry = await supervise(it.options);
  const { containerdPid = 0 } = await readStatus(it.options);
  gantry.kill("SIGKILL");
  await gantry.ended;
  await killHard(containerdPid);
  assert.ok(namesIn(it.paths.state).includes("containerd.sock"));
  assert.equal((await stopInstance({ ...it.options, stopTimeoutMs: 5000 })).stopped, false);
  assert.deepEqual(namesIn(it.paths.state), leftovers);
});

onContainerd("down is not for the process that holds the instance itself", { version: v17 }, async (it) => {
  await using supervisor = await Supervisor.open(it.options);
  await assert.rejects(stopInstance({ ...it.options, stopTimeoutMs: 100 }), /held by this very process/);
  assert.equal(supervisor.status().state, "down");
});
