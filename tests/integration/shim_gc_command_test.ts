import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { mount, mountFlags } from "../../lib/base/libc_files.ts";
import { runtimeDirectory } from "../../lib/shim/bundles_directory.ts";
import { findLeaks } from "../../lib/shim/leaks.ts";
import { findShims } from "../../lib/shim/shim_command_line.ts";
import { killShim, shimsBelow } from "../../lib/shim/shim_process.ts";
import { newId } from "../../lib/wire/identifier.ts";
import { transcript } from "../unit/cli/captured_io.ts";
import { noStdio, type ShimSetting, shimTest } from "./shim_setting.ts";
import { forever, isGone, remove, run, signalShim, traces } from "./shim_steps.ts";

loadLibc();

interface Line {
  readonly Kind: string;
  readonly What: string;
  readonly Why: string;
  readonly Removed: boolean;
}

async function gc(setting: ShimSetting, ...flags: string[]): Promise<{ code: number; lines: Line[]; stderr: string }> {
  const env = { HOME: "/nonexistent", PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` };
  const argv = ["shim", "gc", "--json", "--state", setting.directory, ...flags];
  const { code, stdout, stderr } = await transcript(argv, { env });
  const lines = stdout.split("\n").filter((line) => line !== "").map((line): Line => JSON.parse(line));
  return { code, lines, stderr };
}

/** What is named, without the control groups of other suites of this machine, and without the parts. */
function named(lines: readonly Line[], ids: readonly string[]): readonly string[] {
  return lines.filter(({ Kind, What, Why }) =>
    !Why.startsWith("of /") && (Kind !== "control group" || ids.some((id) => What.endsWith(id)))
  ).map(({ Kind, What }) => `${Kind} ${What}`).toSorted();
}

/** Control groups where gantry has them made, of a container that is not there. */
async function makeGroups(id: string): Promise<readonly string[]> {
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n").filter((line) =>
    /^(?!.*\/\.criu\.).* - cgroup2? /.test(line)
  );
  const groups = mounts.map((line) => `${line.split(" ")[4]}/gantry/${id}`).slice(0, 3);
  for (const group of groups) await Deno.mkdir(`${group}/below`, { recursive: true });
  return groups;
}

async function present(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map((path) => Deno.lstat(path).then(() => [path], () => [])));
  return found.flat();
}

/** Runs a container with the OCI runtime's state where an instance has it. */
async function runIn(
  setting: ShimSetting,
  script: string,
  given: { readonly cgroupParent?: string } = {},
): Promise<string> {
  using tasks = setting.tasks();
  const runtime = { root: runtimeDirectory(setting.directory) };
  const containerId = await setting.define(script, { ...given, content: { runtime } });
  await tasks.create({ containerId, rootfs: [], stdio: noStdio });
  await tasks.start({ containerId });
  return containerId;
}

shimTest("shim gc names what leaked, of whatever kind, and removes that and nothing else", async (setting) => {
  const { root, namespace, directory } = setting;
  using tasks = setting.tasks();
  const states = `${runtimeDirectory(directory)}/${namespace}`;
  const sockets = async (): Promise<ReadonlySet<string>> =>
    new Set((await Array.fromAsync(Deno.readDir(`${root}/.s`))).map(({ name }) => `${root}/.s/${name}`));

  // Healthy: one that runs, one that has ended, one in the hands of a process that lives.
  const running = await runIn(setting, forever);
  const ended = await runIn(setting, "exit 7", { cgroupParent: "/gantry" });
  await tasks.wait({ containerId: ended });
  const prepared = await setting.define(forever);
  await tasks.prepare(prepared);
  const healthy = await sockets();

  // A shim that was killed, with all that its container has.
  const dead = await run(setting, tasks, forever);
  await signalShim(setting, dead, "KILL");
  const deadSocket = [...await sockets()].find((path) => !healthy.has(path));
  const deadParts = await traces(setting, dead);
  // A create that was cut off before there was a task: the shim lives.
  const half = await setting.define(forever);
  using maker = setting.tasks();
  await maker.prepare(half);
  maker[Symbol.dispose]();
  await Deno.writeTextFile(`${setting.bundle(half)}/maker`, "4194304 1");
  const [halfShim] = (await shimsBelow(root)).filter(({ id }) => id === half);
  // A shim, and a container, whose bundles have been removed.
  const before = await sockets();
  const orphan = await setting.define(forever);
  using loser = setting.tasks();
  await loser.prepare(orphan);
  loser[Symbol.dispose]();
  const [orphanShim] = (await shimsBelow(root)).filter(({ id }) => id === orphan);
  await Deno.remove(setting.bundle(orphan), { recursive: true });
  const unmanaged = await runIn(setting, forever);
  const [init = 0] = await tasks.pids(unmanaged);
  await signalShim(setting, unmanaged, "KILL");
  await Deno.remove(setting.bundle(unmanaged), { recursive: true });
  const orphanSockets = [...await sockets()].filter((path) => !before.has(path));
  assert.equal(orphanSockets.length, 2);
  // Mounts: in what a dead process was removing, and in no bundle at all.
  const [abandoned, odd] = [`${root}/${namespace}/.gone-1.4194304.1`, `${root}/${namespace}/.odd`];
  for (const path of [abandoned, odd]) {
    await Deno.mkdir(`${path}/m`, { recursive: true });
    mount(`${directory}/rootfs`, `${path}/m`, { flags: mountFlags.bind });
  }
  // Control groups that nobody knows; others that a containerd's runtime, or a shim of another instance, does.
  const [lone, foreign] = [newId(), newId()];
  const groups = await makeGroups(lone);
  const foreignGroups = await makeGroups(foreign);
  const foreignState = `/run/containerd/runc/${namespace}/${foreign}`;
  await Deno.mkdir(foreignState, { recursive: true });
  using elsewhere = setting.tasks({ root: `${directory}/o` });
  const other = await setting.define("exit 0", { cgroupParent: "/gantry" });
  await elsewhere.create({ containerId: other, rootfs: [], stdio: noStdio });
  await elsewhere.start({ containerId: other });
  await elsewhere.wait({ containerId: other });

  const ids = [lone, foreign, other, ended];
  const expected = [
    `bundle ${setting.bundle(dead)}`,
    `bundle ${setting.bundle(half)}`,
    `shim ${orphanShim?.identity.pid}`,
    ...orphanSockets.map((path) => `socket ${path}`),
    `runtime state ${states}/${unmanaged}`,
    `directory ${abandoned}`,
    `mount ${odd}/m`,
    ...groups.map((path) => `control group ${path}`),
  ].toSorted();
  for (let round = 0; round < 2; round++) {
    const { code, lines, stderr } = await gc(setting, "--dry-run");
    assert.deepEqual([code, stderr, named(lines, ids)], [0, "", expected]);
    assert.ok(lines.every(({ Removed }) => !Removed));
    const partsOf = (what: string): readonly string[] =>
      lines.filter(({ Why }) => Why === `of ${what}`).map(({ Kind, What }) => `${Kind} ${What}`).toSorted();
    const things = deadParts.map((line) =>
      line.startsWith("/sys")
        ? `control group ${line}`
        : line.startsWith("/run")
        ? `runtime state ${line}`
        : `mount ${line.split(" ")[4]}`
    );
    assert.deepEqual(partsOf(setting.bundle(dead)), [...things, `socket ${deadSocket}`].toSorted());
    assert.ok(partsOf(setting.bundle(half)).includes(`shim ${halfShim?.identity.pid}`));
    assert.deepEqual(partsOf(abandoned), [`mount ${abandoned}/m`]);
    assert.ok(partsOf(`${states}/${unmanaged}`).some((part) => part.startsWith("control group ")));
  }
  const { stdout } = await transcript(["shim", "gc", "--dry-run", "--state", directory]);
  assert.ok(stdout.includes(`would remove bundle ${setting.bundle(dead)}: its shim is dead\n`), stdout);

  const { code, lines, stderr } = await gc(setting);
  assert.deepEqual([code, stderr, named(lines, ids)], [0, "", expected]);
  assert.ok(lines.every(({ Removed }) => Removed));
  assert.deepEqual(named((await gc(setting, "--dry-run")).lines, ids), []);
  for (const id of [dead, half, unmanaged]) assert.deepEqual(await traces(setting, id), []);
  assert.deepEqual(await present([abandoned, `${states}/${unmanaged}`, ...groups, ...orphanSockets]), []);
  for (const pid of [init, orphanShim?.identity.pid ?? 0, halfShim?.identity.pid ?? 0]) assert.ok(isGone(pid));
  assert.ok((await present([`${directory}/rootfs/bin`])).length === 1, "what was mounted is there");

  // What is healthy is untouched, and what was lost is still told.
  assert.equal((await tasks.state({ containerId: running })).status, "running");
  assert.equal((await tasks.state({ containerId: ended })).exit?.code, 7);
  assert.equal((await elsewhere.state({ containerId: other })).status, "stopped");
  assert.deepEqual(await present(foreignGroups), foreignGroups);
  assert.equal((await findShims(({ id }) => id === prepared)).length, 1);
  assert.equal((await tasks.delete({ containerId: dead })).code, 137);
  await tasks.abandon(prepared);
  await remove(tasks, running);
  await tasks.delete({ containerId: ended });
  await elsewhere.delete({ containerId: other });
  await Deno.remove(foreignState, { recursive: true });
  for (const group of foreignGroups) await Deno.remove(`${group}/below`).then(() => Deno.remove(group));
  await Deno.remove(odd, { recursive: true });
  assert.deepEqual(await findLeaks(root, { clock: systemClock }), []);
});

// Not run by crun itself: it refuses hosts whose cgroup v2 has no controllers, as many with v1 are (crun 1.8, "hybrid mode").
shimTest("shim gc ends a container of crun's without a bundle, too", async (setting) => {
  const id = newId();
  const state = `${runtimeDirectory(setting.directory)}/${setting.namespace}/${id}`;
  const [group = ""] = (await makeGroups(id)).toSorted();
  await using process = new Deno.Command("sleep", { args: ["1000"], stdin: "null", stdout: "null" }).spawn();
  await Deno.writeTextFile(`${group}/below/cgroup.procs`, String(process.pid));
  await Deno.mkdir(state, { recursive: true });
  await Deno.writeTextFile(`${state}/status`, JSON.stringify({ pid: process.pid, "cgroup-path": `/gantry/${id}` }));
  const { code, lines, stderr } = await gc(setting);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(named(lines, []).includes(`runtime state ${state}`));
  assert.ok(lines.some(({ Kind, What, Why }) => Kind === "control group" && What === group && Why === `of ${state}`));
  assert.equal((await process.status).signal, "SIGKILL");
  assert.deepEqual(await present([state, group]), []);
});

shimTest("shim gc goes on when something cannot be removed, and exits 1", async (setting) => {
  using tasks = setting.tasks();
  const dead = await run(setting, tasks, forever);
  await signalShim(setting, dead, "KILL");
  // What is no socket but a directory cannot be unlinked.
  const stuck = `${setting.root}/.s/stuck`;
  await Deno.mkdir(`${stuck}/x`, { recursive: true });
  const last = `${setting.root}/.s/zzz`;
  Deno.listen({ transport: "unix", path: `${last}x` }).close();
  await Deno.writeTextFile(last, "");
  const { code, lines, stderr } = await gc(setting);
  assert.equal(code, 1);
  assert.deepEqual(named(lines, []), [`bundle ${setting.bundle(dead)}`, `socket ${last}`].toSorted());
  assert.match(JSON.parse(stderr).message, /\.s\/stuck/);
  assert.deepEqual(await present([last, setting.bundle(dead)]), []);
  await Deno.remove(stuck, { recursive: true });
  assert.equal((await gc(setting)).code, 0);
  await tasks.delete({ containerId: dead });
});

shimTest("shim ls shows each shim with what it serves, also as JSON, by a template and as pids", async (setting) => {
  using tasks = setting.tasks();
  const ls = async (...flags: string[]): Promise<string> => {
    const { code, stdout, stderr } = await transcript(["shim", "ls", "--state", setting.directory, ...flags]);
    assert.deepEqual([code, stderr], [0, ""]);
    return stdout;
  };
  assert.equal(await ls(), "PID   VERSION   PROTOCOL   STATUS   CONTAINERS   NAMESPACE\n");
  const first = await run(setting, tasks, forever);
  const second = await setting.define(forever, { content: { shimOf: first } });
  await tasks.create({ containerId: second, rootfs: [], stdio: noStdio });
  const dead = await run(setting, tasks, forever);
  await signalShim(setting, dead, "KILL");
  const [shim] = await shimsBelow(setting.root);
  assert.ok(shim !== undefined);
  const { pid } = shim.identity;
  assert.equal(await ls("-q"), `${pid}\n`);
  const rows = (await ls("--json")).trim().split("\n").map((line) => JSON.parse(line));
  const row = rows.find(({ PID }) => PID === pid);
  const protocol = setting.version.label === "2.1" ? "ttrpc task.v3" : "ttrpc task.v2";
  const containers = [{ ID: first, Status: "running" }, { ID: second, Status: "created" }];
  assert.deepEqual(row, {
    PID: pid,
    Version: row.Version,
    Protocol: protocol,
    Status: "alive",
    Containers: containers.toSorted((a, b) => a.ID < b.ID ? -1 : 1),
    Namespace: setting.namespace,
    Program: setting.version.shim,
  });
  assert.match(row.Version, new RegExp(`^${setting.version.label.replace(".", "\\.")}\\.`));
  const lines = (await ls()).split("\n");
  const both = containers.toSorted((a, b) => a.ID < b.ID ? -1 : 1).map(({ ID, Status }) =>
    `${ID.slice(0, 12)} (${Status})`
  );
  const words = lines.find((line) => line.startsWith(String(pid)))?.split(/ {3,}/).map((word) => word.trim());
  assert.deepEqual(words, [String(pid), row.Version, protocol, "alive", both.join(", "), setting.namespace]);
  assert.ok(lines.some((line) => line.includes("dead") && line.includes(`${dead.slice(0, 12)} (unknown)`)));
  assert.deepEqual((await ls("--format", "{{.Status}} {{.Program}}")).trim().split("\n").toSorted(), [
    `alive ${setting.version.shim}`,
    `dead ${setting.version.shim}`,
  ]);
  await killShim(shim.identity, { clock: systemClock });
  for (const id of [first, second, dead]) await tasks.destroy(id);
});
