import assert from "node:assert/strict";
import { bootId, processState, readIdentity } from "../../lib/base/proc.ts";
import { readPid, writePidfile } from "../../lib/supervisor/pidfile.ts";
import { readStatus } from "../../lib/supervisor/read_status.ts";
import { Supervisor } from "../../lib/supervisor/supervisor.ts";
import { writeFake } from "../support/fakes/fake_containerd.ts";
import { killHard, lives, onContainerd, onEachContainerd, supervise } from "../support/supervised.ts";
import { containerdVersion } from "../support/versions.ts";
import { eventually, running } from "../unit/base/processes.ts";

const v17 = containerdVersion("1.7");

onEachContainerd(
  "S10 after kill -9 of gantry containerd and containers go on, and the next up adopts it",
  {},
  async (it) => {
    const first = await supervise(it.options);
    const { containerdPid = 0 } = await readStatus(it.options);
    const container = await it.container("c1");
    first.kill("SIGKILL");
    await first.ended;
    assert.ok(await lives(containerdPid));
    assert.match(await it.ctr("task", "ls"), new RegExp(`c1\\s+${container}\\s+RUNNING`));
    const orphan = await readStatus(it.options);
    assert.deepEqual([orphan.state, orphan.containerdPid], ["orphaned", containerdPid]);

    await using supervisor = await Supervisor.open(it.options);
    const began = performance.now();
    const status = await supervisor.start();
    const took = performance.now() - began;
    console.log(`  ${it.version.version}: adopted in ${took.toFixed(0)} ms`);
    assert.ok(took < 1000, `${took} ms`);
    assert.deepEqual([status.containerdPid, status.adopted, status.state], [containerdPid, true, "serving"]);
    assert.ok(await lives(container));

    // S11: nobody is told of the death of a process that is not a child.
    const died = performance.now();
    Deno.kill(containerdPid, "SIGKILL");
    const again = await eventually(() => {
      const now = supervisor.status();
      return now.state === "serving" && now.containerdPid !== containerdPid && now;
    });
    console.log(
      `  ${it.version.version}: serves again ${(performance.now() - died).toFixed(0)} ms after kill -9 as adopted`,
    );
    assert.deepEqual([again.adopted, again.restarts], [false, 1]);
    assert.match(await it.ctr("task", "ls"), new RegExp(`c1\\s+${container}\\s+RUNNING`));
  },
);

onContainerd("S11 an adopted containerd that hangs is replaced like a child", {
  version: v17,
  // Above grpc-js's timer of 250 ms, see supervisor_restart_test.ts.
  healthIntervalMs: 320,
  healthTimeoutMs: 300,
}, async (it) => {
  const first = await supervise(it.options);
  first.kill("SIGKILL");
  await first.ended;
  await using supervisor = await Supervisor.open(it.options);
  const { containerdPid = 0, adopted } = await supervisor.start();
  assert.ok(adopted);
  Deno.kill(containerdPid, "SIGSTOP");
  await eventually(() => supervisor.status().restarts === 1 && supervisor.status().state === "serving");
  assert.equal(await lives(containerdPid), false);
});

onContainerd(
  "S10 a containerd that hangs when it is adopted is replaced",
  { version: v17, startTimeoutMs: 700 },
  async (it) => {
    const first = await supervise({ ...it.options, startTimeoutMs: 20_000 });
    const { containerdPid = 0 } = await readStatus(it.options);
    first.kill("SIGKILL");
    await first.ended;
    Deno.kill(containerdPid, "SIGSTOP");
    await using supervisor = await Supervisor.open(it.options);
    const status = await supervisor.start();
    assert.notEqual(status.containerdPid, containerdPid);
    assert.equal(status.adopted, false);
    assert.equal(await lives(containerdPid), false);
    assert.match(status.lastFailure?.reason ?? "", /not ready after/);
  },
);

onContainerd(
  "S10 a containerd whose supervisor died before it wrote the pidfile is adopted too",
  { version: v17 },
  async (it) => {
    const first = await supervise(it.options);
    const { containerdPid } = await readStatus(it.options);
    first.kill("SIGKILL");
    await first.ended;
    await Deno.remove(it.paths.pidfile);
    await Deno.remove(it.paths.identity);
    await using supervisor = await Supervisor.open(it.options);
    const status = await supervisor.start();
    assert.deepEqual([status.containerdPid, status.adopted], [containerdPid, true]);
    assert.equal(await readPid(it.paths.pidfile), containerdPid);
  },
);

onContainerd(
  "S10 a containerd that serves another address than is asked for is replaced",
  { version: v17 },
  async (it) => {
    const address = `${it.paths.state}/other.sock`;
    const first = await supervise({ ...it.options, address });
    const { containerdPid = 0 } = await readStatus(it.options);
    first.kill("SIGKILL");
    await first.ended;
    await using supervisor = await Supervisor.open(it.options);
    const status = await supervisor.start();
    assert.deepEqual([status.adopted, status.address], [false, it.paths.address]);
    assert.equal(await lives(containerdPid), false);
    await Deno.remove(address).catch(() => {});
  },
);

onContainerd(
  "S10 gantry killed while containerd starts leaves one that the next up adopts",
  { version: v17 },
  async (it) => {
    const containerd = `${it.path}/slow`;
    await writeFake(containerd, { body: `sleep 0.5; exec ${it.version.containerd} "$@"` });
    const first = await supervise({ ...it.options, containerd }, { waits: false });
    await eventually(() => readPid(it.paths.pidfile));
    const pid = await readPid(it.paths.pidfile);
    first.kill("SIGKILL");
    await first.ended;
    await using supervisor = await Supervisor.open({ ...it.options, containerd });
    const status = await supervisor.start();
    assert.deepEqual([status.containerdPid, status.adopted], [pid, true]);
  },
);

onContainerd("S07 a pidfile with a foreign live pid is not adopted, not signalled, and does not block", {
  version: v17,
}, async (it) => {
  await using stranger = running("/bin/sleep", ["1000"]);
  const identity = await eventually(() => readIdentity(stranger.pid));
  await Deno.mkdir(it.paths.state, { mode: 0o700 });
  const record = {
    bootId: await bootId(),
    address: it.paths.address,
    root: it.paths.root,
    version: "",
    configHash: "",
  };
  const strange = [
    () => Deno.writeTextFile(it.paths.pidfile, `${stranger.pid}\n`),
    () => writePidfile(it.paths, { ...record, identity: { ...identity, startTime: identity.startTime - 1n } }),
    () => writePidfile(it.paths, { ...record, identity: { ...identity, executable: it.version.containerd } }),
    () => writePidfile(it.paths, { ...record, identity, bootId: "another boot" }),
  ];
  for (const write of strange) {
    await write();
    const supervisor = await Supervisor.open(it.options);
    const status = await supervisor.start();
    assert.deepEqual([status.adopted, status.state], [false, "serving"]);
    assert.notEqual(status.containerdPid, stranger.pid);
    await supervisor.stop();
    assert.equal(processState(stranger.pid), "S");
  }
});

onContainerd(
  "S08 a stale pidfile that holds the very pid of the new child does no harm",
  { version: v17 },
  async (it) => {
    const containerd = `${it.path}/fake`;
    // The shell is the process that becomes containerd: when gantry comes to write it, the number is that of a live process.
    await writeFake(containerd, {
      body: `echo $$ > ${it.paths.pidfile}; sleep 0.3; exec ${it.version.containerd} "$@"`,
    });
    const supervisor = await Supervisor.open({ ...it.options, containerd });
    const status = await supervisor.start();
    assert.equal(await readPid(it.paths.pidfile), status.containerdPid);
    assert.equal(status.restarts, 0);
    await supervisor.stop();
  },
);

onContainerd(
  "S09 a pidfile of a zombie, of nothing, or of no sense does not block the start",
  { version: v17 },
  async (it) => {
    await Deno.mkdir(it.paths.state, { mode: 0o700 });
    await using parent = running("/bin/sh", ["-c", `sh -c 'echo $$ > ${it.path}/pid' & exec sleep 1000`]);
    const zombie = await eventually(async () => await readPid(`${it.path}/pid`));
    await eventually(() => processState(zombie) === "Z");
    for (const text of [`${zombie}\n`, "", "0", "-1", "nonsense", "\0"]) {
      await Deno.writeTextFile(it.paths.pidfile, text);
      const supervisor = await Supervisor.open(it.options);
      assert.equal((await supervisor.start()).adopted, false, JSON.stringify(text));
      await supervisor.stop();
    }
    assert.ok(parent.pid);
  },
);

onContainerd("S09 an unreadable pidfile ends the start with an error that names it", { version: v17 }, async (it) => {
  await Deno.mkdir(it.paths.pidfile, { recursive: true });
  await Deno.chmod(it.paths.state, 0o700);
  const supervisor = await Supervisor.open(it.options);
  await assert.rejects(
    supervisor.start(),
    (error) => error instanceof Error && error.message.includes(it.paths.pidfile),
  );
  await supervisor.ended;
});

onContainerd("S07 the containerd of another instance is left alone", { version: v17 }, async (it) => {
  const other = { ...it.options, root: `${it.path}/r2`, state: `${it.path}/s2` };
  const [one, two] = [await Supervisor.open(it.options), await Supervisor.open(other)];
  const [first, second] = [await one.start(), await two.start()];
  assert.notEqual(first.containerdPid, second.containerdPid);
  await killHard(first.containerdPid ?? 0);
  await eventually(() => one.status().state === "serving" && one.status().restarts === 1);
  assert.equal(two.status().containerdPid, second.containerdPid);
  await one.stop();
  assert.equal((await readStatus(other)).state, "serving");
  await two.stop();
});
