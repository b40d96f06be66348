import assert from "node:assert/strict";
import { isCode } from "../../lib/base/errors.ts";
import { setLogWriter } from "../../lib/base/log.ts";
import { inspectBinary } from "../../lib/supervisor/binary.ts";
import { checkConfig } from "../../lib/supervisor/config_check.ts";
import { unwantedPlugins } from "../../lib/supervisor/config_plugins.ts";
import type { SupervisorOptions } from "../../lib/supervisor/options.ts";
import { connectProbe } from "../../lib/supervisor/probe.ts";
import { readStatus } from "../../lib/supervisor/read_status.ts";
import { Supervisor } from "../../lib/supervisor/supervisor.ts";
import { hangs, writeFake } from "../support/fakes/fake_containerd.ts";
import { type Instance, lives, onContainerd, onEachContainerd } from "../support/supervised.ts";
import { containerdVersion } from "../support/versions.ts";
import { namesIn, smallDisk } from "../unit/base/directories.ts";

const v17 = containerdVersion("1.7");

async function mode(path: string): Promise<number> {
  return ((await Deno.lstat(path)).mode ?? 0) & 0o7777;
}

/** What `start` says when it fails. Nothing may be left then. */
async function startError(instance: Instance, change: Partial<SupervisorOptions> = {}): Promise<Error> {
  const supervisor = await Supervisor.open({ ...instance.options, ...change });
  const error = await supervisor.start().then(() => assert.fail("it started"), (reason) => reason);
  const end = await supervisor.ended;
  assert.equal(end.reason, "start_failed");
  const left = namesIn(instance.paths.state).filter((name) =>
    !["containerd.toml", "status.json", "containerd"].includes(name)
  );
  assert.deepEqual(left, [], "no pidfile, no socket, no lock");
  assert.equal((await readStatus(instance.options)).state, "down");
  assert.ok(error instanceof Error);
  return error;
}

onEachContainerd(
  "S01 the first start writes the configuration, and containerd has nothing to say about it",
  {},
  async (it) => {
    await using supervisor = await Supervisor.open(it.options);
    await supervisor.start();
    assert.equal(await mode(it.paths.state), 0o700);
    assert.equal(await mode(it.paths.config), 0o600);
    const log = await Deno.readTextFile(it.paths.log);
    assert.doesNotMatch(log, /migrated|deprecat(?!ions)|level=(warning|error|fatal)/i, log);
    if (it.version.label !== "1.6") {
      // "No deprecations", or a table with its head alone.
      const deprecations = (await it.ctr("deprecations", "list")).trim().split("\n").slice(1);
      assert.deepEqual(deprecations, []);
    }
    const report = await checkConfig(it.options);
    assert.deepEqual(report.problems, []);
    assert.equal(report.config.text, await Deno.readTextFile(it.paths.config));
  },
);

onEachContainerd("S02 the plugins that are disabled exist under that name, and none of them runs", {}, async (it) => {
  const binary = await inspectBinary(it.version.containerd);
  const unwanted = unwantedPlugins(binary, { cri: false, wanted: new Set() });
  const plugins = async (change: Partial<SupervisorOptions>): Promise<ReadonlyMap<string, string | undefined>> => {
    await using supervisor = await Supervisor.open({ ...it.options, ...change });
    await supervisor.start();
    const probe = await connectProbe(it.paths.address);
    try {
      const list = await probe.plugins({ deadlineMs: 5000 });
      return new Map(list.map(({ type, id, initError }) => [`${type}.${id}`, initError?.message]));
    } finally {
      probe.close();
    }
  };
  const slim = await plugins({});
  assert.deepEqual(unwanted.filter((id) => slim.has(id)), []);
  assert.deepEqual([...slim].filter(([, error]) => error !== undefined && !/skip/.test(error)), []);
  // What is configured is not disabled: so all of them can be looked at. Two would reach out of the test's directory.
  const tables = unwanted.map((id) => `[plugins."${id}"]\n${extraFor(id, it.path)}`);
  await Deno.writeTextFile(`${it.path}/all.toml`, tables.join("\n"));
  const all = await plugins({ configExtra: `${it.path}/all.toml` });
  // Left out of some builds.
  const builds = /\.(aufs|zfs|btrfs|devmapper)$/;
  assert.deepEqual(unwanted.filter((id) => !all.has(id) && !builds.test(id)), []);
  const cri = await plugins({ cri: true });
  assert.equal(cri.get("io.containerd.grpc.v1.cri"), undefined);
  assert.ok(cri.has("io.containerd.grpc.v1.cri"));
});

function extraFor(id: string, path: string): string {
  if (id.endsWith(".opt")) return `path = "${path}/opt"\n`;
  return id.endsWith(".nri") ? "disable = true\n" : "";
}

onEachContainerd(
  "S04 when the start is over, containerd answers its version and lists no required plugin in error",
  {},
  async (it) => {
    const supervisor = await Supervisor.open(it.options);
    const status = await supervisor.start();
    assert.match(await it.ctr("version"), /Server:/);
    assert.equal(status.state, "serving");
    assert.ok(it.version.version.startsWith(status.version ?? "?"), `${it.version.version} ${status.version}`);
    assert.deepEqual((await readStatus(it.options)).containerdPid, status.containerdPid);
    await supervisor.stop();
  },
);

onEachContainerd("S04 a required plugin in error is not ready, and the error names it", {}, async (it) => {
  const broken = it.version.label === "2.1" ? "io.containerd.runtime.v2.task" : "io.containerd.runtime.v1.linux";
  await Deno.writeTextFile(`${it.path}/extra.toml`, `disabled_plugins = ["${broken}"]\n`);
  const error = await startError(it, { configExtra: `${it.path}/extra.toml` });
  assert.match(error.message, /plugin io\.containerd\.service\.v1\.tasks-service failed: no plugins registered/);
});

onEachContainerd(
  "S05 a start that fails says why, with the log and the configuration, and leaves nothing",
  {},
  async (it) => {
    const extra = `${it.path}/extra.toml`;
    await Deno.writeTextFile(
      extra,
      '[plugins."io.containerd.gc.v1.scheduler"]\nstartup_delay = 17\n[metrics]\naddress = "256.0.0.1:1"\n',
    );
    const error = await startError(it, { configExtra: extra });
    assert.match(error.message, /^containerd did not start: /);
    assert.match(error.message, /exit code 1|plugin io\.containerd\.gc/);
    assert.ok(error.message.includes(it.paths.config) && error.message.includes(it.paths.log), error.message);
    assert.match(error.message.split("\n").slice(3).join("\n"), /(256\.0\.0\.1|startup_delay|scheduler)/);
  },
);

onContainerd("S05 a child that is killed while it starts is told from one that exits", { version: v17 }, async (it) => {
  const containerd = `${it.path}/fake`;
  await writeFake(containerd, { body: "echo some last words; kill -9 $$" });
  const killed = await startError(it, { containerd });
  assert.match(killed.message, /it ended with signal SIGKILL[^]*some last words/);
  await writeFake(containerd, { body: "echo other words >&2; exit 70" });
  const exited = await startError(it, { containerd });
  assert.match(exited.message, /it ended with exit code 70[^]*other words/);
  assert.doesNotMatch(exited.message, /some last words/, "only what this start wrote");
});

onContainerd(
  "S06 a start that hangs is ended after the start timeout",
  { version: v17, startTimeoutMs: 400 },
  async (it) => {
    const containerd = `${it.path}/fake`;
    await writeFake(containerd, { body: `echo $$ > ${it.path}/pid; ${hangs}` });
    const began = performance.now();
    const error = await startError(it, { containerd });
    assert.match(error.message, /not ready after \d+ ms: its socket has not appeared/);
    assert.ok(performance.now() - began < 8000);
    assert.equal(await lives(Number(await Deno.readTextFile(`${it.path}/pid`))), false);
  },
);

onContainerd("S06 a slow start that goes on is given time, and a wrapper may become containerd", {
  version: v17,
  startTimeoutMs: 700,
}, async (it) => {
  const containerd = `${it.path}/wrapper`;
  const steps = "for step in 1 2 3 4 5 6; do echo loading $step; sleep 0.3; done";
  await writeFake(containerd, { body: `${steps}; exec ${it.version.containerd} "$@"` });
  await using supervisor = await Supervisor.open({ ...it.options, containerd });
  const { containerdPid } = await supervisor.start();
  const sidecar = JSON.parse(await Deno.readTextFile(it.paths.identity));
  assert.equal(sidecar.identity.executable, await Deno.realPath(it.version.containerd));
  assert.equal(sidecar.identity.pid, containerdPid);
});

onContainerd("S03 containerd's log reaches ours at its levels", { version: v17 }, async (it) => {
  const said: string[] = [];
  setLogWriter((category, level, message) => {
    if (category === "containerd") said.push(`${level} ${message}`);
  });
  try {
    const supervisor = await Supervisor.open({ ...it.options, logLevel: "debug", logFormat: "json" });
    await supervisor.start();
    await supervisor.stop();
  } finally {
    setLogWriter(undefined);
  }
  assert.ok(said.includes("info starting containerd"), said.join("\n"));
  assert.ok(said.some((line) => line.startsWith("debug ")));
  assert.ok(said.some((line) => line.startsWith("info containerd successfully booted")));
});

onContainerd(
  "S19 a missing program and garbage from it end the start, and nothing is left",
  { version: v17 },
  async (it) => {
    const missing = await startError(it, { containerd: "no-such-containerd" });
    assert.ok(isCode(missing, "not_found") && missing.hint?.includes("searched /"), missing.message);
    const containerd = `${it.path}/fake`;
    await writeFake(containerd, { version: "echo garbage", body: hangs });
    const garbage = await startError(it, { containerd });
    assert.ok(isCode(garbage, "failed_precondition"));
    assert.match(garbage.message, /printed "garbage"/);
  },
);

onContainerd("S19 a full disk ends the start with the file's name, and no child runs", { version: v17 }, async (it) => {
  await using disk = await smallDisk("96k");
  const state = `${disk.path}/s`;
  await Deno.mkdir(state, { mode: 0o700 });
  await disk.fill();
  const before = await processesWith(state);
  const supervisor = await Supervisor.open({ ...it.options, state, root: it.options.root }).catch((error) => error);
  // The lock or the configuration is the first file that does not fit.
  const error = supervisor instanceof Supervisor
    ? await supervisor.start().then(() => assert.fail("it started"), (reason) => reason)
    : supervisor;
  assert.ok(isCode(error, "resource_exhausted"), String(error));
  assert.ok(error.message.includes(state), error.message);
  assert.deepEqual(await processesWith(state), before);
  assert.deepEqual(namesIn(state).filter((name) => name !== "supervisor.lock"), []);
});

onContainerd("S19 a pidfile that cannot be written ends the child", { version: v17 }, async (it) => {
  const containerd = `${it.path}/fake`;
  // The version is asked for after the last look at the pidfile and before the child: so late only this can come.
  await writeFake(containerd, {
    version: `mkdir -p ${it.paths.pidfile}/in-the-way; echo containerd x 1.7.1 y`,
    body: `echo $$ > ${it.path}/pid; ${hangs}`,
  });
  const supervisor = await Supervisor.open({ ...it.options, containerd });
  const error = await supervisor.start().then(() => assert.fail("it started"), (reason) => reason);
  await supervisor.ended;
  assert.ok(error instanceof Error && error.message.includes(it.paths.pidfile), String(error));
  const pid = Number(await Deno.readTextFile(`${it.path}/pid`).catch(() => "0"));
  assert.equal(pid > 0 && await lives(pid), false);
  await Deno.remove(it.paths.pidfile, { recursive: true });
});

onContainerd(
  "S20 a state directory that others can write to is refused before anything is done",
  { version: v17 },
  async (it) => {
    await Deno.mkdir(it.paths.state);
    await Deno.chmod(it.paths.state, 0o777);
    await assert.rejects(Supervisor.open(it.options), (error) => isCode(error, "permission_denied"));
    assert.deepEqual(namesIn(it.paths.state), []);
    await Deno.chmod(it.paths.state, 0o700);
  },
);

onContainerd(
  "a socket that somebody else listens on, or a file in its place, is not removed",
  { version: v17 },
  async (it) => {
    await Deno.mkdir(it.paths.state, { mode: 0o700 });
    {
      using _listener = Deno.listen({ transport: "unix", path: it.paths.address });
      assert.match((await startErrorKeeping(it)).message, /another process listens on/);
      assert.equal((await Deno.lstat(it.paths.address)).isSocket, true);
    }
    await Deno.remove(it.paths.address).catch(() => {});
    await Deno.mkdir(it.paths.address);
    await Deno.writeTextFile(`${it.paths.address}/precious`, "");
    assert.match((await startErrorKeeping(it)).message, /is in the way: it is not a socket/);
    assert.deepEqual(namesIn(it.paths.address), ["precious"]);
  },
);

async function startErrorKeeping(it: Instance): Promise<Error> {
  const supervisor = await Supervisor.open(it.options);
  const error = await supervisor.start().then(() => assert.fail("it started"), (reason) => reason);
  await supervisor.ended;
  assert.ok(error instanceof Error);
  return error;
}

function processesWith(text: string): Promise<string[]> {
  return Promise.try(() =>
    [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        return Deno.readTextFileSync(`/proc/${name}/cmdline`).includes(text);
      } catch {
        return false;
      }
    })
  );
}
