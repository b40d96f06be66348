/** `gantry exec` as a program: what it runs, and how that ends. */
import assert from "node:assert/strict";
import { below } from "../support/container_remains.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest } from "../support/gantry.ts";
import { removeAll, startIdle } from "../support/idle_container.ts";
import type { ProgramResult } from "../support/running_program.ts";

type CommandOptions = Parameters<GantryInstance["gantry"]>[1];

/** Runs `gantry exec` to its end. */
async function exec(
  gantry: GantryInstance,
  args: readonly string[],
  options?: CommandOptions,
): Promise<ProgramResult> {
  return await gantry.gantry(["exec", ...args], options);
}

/** Waits until nothing of any exec is left of a container: neither in its bundle (pid files) nor on disk (FIFOs). */
async function assertNoExecs(gantry: GantryInstance, id: string): Promise<void> {
  await eventually(async () => {
    const bundle = await below(`${gantry.containerd.tasks}/default/${id}`);
    const pidFiles = bundle.filter((path) => path.endsWith(".pid") && !path.endsWith("/init.pid"));
    const fifos = await below(`${gantry.state}/containers/default/${id}`, 1);
    return pidFiles.length + fifos.length === 0;
  }, { what: `no exec of ${id}`, withinMs: 20_000 });
}

gantryTest("T07 the exit code, the streams and the input of an exec are those of its program", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const first = await exec(gantry, ["web", "sh", "-c", "echo out; echo err >&2; exit 7"]);
  assert.deepEqual([first.code, first.out, first.err], [7, "out\n", "err\n"]);
  const second = await exec(gantry, ["-i", id.slice(0, 12), "--", "cat"], { stdin: "in and out\n" });
  assert.deepEqual([second.code, second.out, second.err], [0, "in and out\n", ""]);
  const third = await exec(gantry, ["web", "sh", "-c", "kill -9 $$"]);
  assert.deepEqual([third.code, third.err], [137, ""]);
  const without = await exec(gantry, ["web", "cat"], { stdin: "not for it" });
  assert.deepEqual([without.code, without.out], [0, ""]);
  const flags = await exec(gantry, ["web", "echo", "-i", "--", "-u", "x"]);
  assert.equal(flags.out, "-i -- -u x\n");
  await assertNoExecs(gantry, id);
  await removeAll(gantry, "web");
});

gantryTest("T15 exec takes four RPCs, counted by containerd itself", { needs: "containerd" }, async (gantry) => {
  await startIdle(gantry, "web");
  const before = await gantry.containerd.rpcCounts();
  assert.equal((await exec(gantry, ["-u", "nobody", "web", "sh", "-c", "exit 3"])).code, 3);
  const after = await gantry.containerd.rpcCounts();
  const counted = [...after].map(([rpc, count]) => [rpc, count - (before.get(rpc) ?? 0)] as const)
    .filter(([, count]) => count > 0).sort();
  assert.deepEqual(counted, [
    ["containerd.services.tasks.v1.Tasks/DeleteProcess", 1],
    ["containerd.services.tasks.v1.Tasks/Exec", 1],
    ["containerd.services.tasks.v1.Tasks/Start", 1],
    ["containerd.services.tasks.v1.Tasks/Wait", 1],
  ]);
  await removeAll(gantry, "web");
});

gantryTest("T07 an exec has a user, a directory and variables of its own", {}, async (gantry) => {
  await startIdle(gantry, "web", ["-e", "A=container", "-e", "B=container", "-w", "/etc"]);
  const script = "id -u; pwd; echo $A $B $C $D; grep CapEff /proc/self/status";
  const plain = await exec(gantry, ["web", "sh", "-c", script]);
  assert.match(plain.out, /^0\n\/etc\ncontainer container\nCapEff:\s+0*[1-9a-f][0-9a-f]*\n$/);
  const envFile = `${gantry.directory}/env`;
  await Deno.writeTextFile(envFile, "# ours\nB=file\nC=file\n");
  const own = ["-u", "nobody", "-w", "/tmp", "--env-file", envFile, "-e", "C=flag", "-e", "D"];
  const other = await exec(gantry, [...own, "web", "sh", "-c", script], { env: { D: "ours" } });
  assert.match(other.out, /^65534\n\/tmp\ncontainer file flag ours\nCapEff:\s+0+\n$/);
  const all = await exec(gantry, ["--privileged", "web", "sh", "-c", "grep CapEff /proc/self/status"]);
  const bounding = /^CapBnd:\s+(\S+)$/m.exec(await Deno.readTextFile("/proc/self/status"))?.[1];
  assert.equal(all.out, `CapEff:\t${bounding}\n`);
  assert.match(all.err, /filter of system calls stays on/);
  await removeAll(gantry, "web");
});

gantryTest("T07 what cannot be run says why, and leaves no exec behind", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["web", "nope"], 127, /"nope": executable file not found/],
    [["web", "/no/such"], 127, /no such file or directory/],
    [["web", "/etc/passwd"], 126, /permission denied/],
    [["web", "/etc"], 126, /permission denied|is a directory/],
    [["-u", "nobdy", "web", "true"], 125, /unable to find user nobdy.*\nhint: did you mean "nobody"/],
    [["-w", "etc", "web", "true"], 125, /etc/],
    [["-w", "/nope", "web", "true"], 125, /\/nope/],
    [["web"], 125, /COMMAND/],
    [["web", "--"], 125, /no command/],
    [["web", ""], 125, /no command/],
    [["--detach-keys", "ctrl-ä", "-t", "web", "true"], 125, /ctrl-ä/],
    [["--usr", "nobody", "web", "true"], 125, /--user/],
    [["-it", "web", "true"], 125, /stdin is no terminal/],
    [["nobody-knows", "true"], 125, /no container "nobody-knows"/],
    [["0".repeat(64), "true"], 125, /not found|no container/],
    [["../web", "true"], 125, /neither a name nor an id/],
  ];
  for (const [args, code, message] of cases) {
    const end = await exec(gantry, args);
    assert.equal(end.code, code, `${args.join(" ")}: ${end.err}`);
    assert.match(end.err, message, `${args.join(" ")}: ${end.err}`);
    assert.equal(end.out, "");
  }
  await assertNoExecs(gantry, id);
  const pids = await gantry.ctr("tasks", "ps", id);
  assert.ok(pids.trim().split("\n").length <= 3, `only its own processes run: ${pids}`);
  await removeAll(gantry, "web");
});

gantryTest("T07 a container that does not run, or is paused, is told, with what helps", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  await gantry.ctr("tasks", "pause", id);
  const paused = await exec(gantry, ["web", "true"]);
  assert.deepEqual([paused.code, paused.err], [125, "gantry: container web is paused\nhint: gantry resume web\n"]);
  const json = await exec(gantry, ["--json", "-d", "web", "true"]);
  assert.deepEqual([json.code, JSON.parse(json.err)], [125, {
    code: "failed_precondition",
    message: "container web is paused",
    hint: "gantry resume web",
  }]);
  await gantry.ctr("tasks", "resume", id);
  assert.equal((await exec(gantry, ["web", "true"])).code, 0);
  await gantry.ctr("tasks", "kill", "-s", "SIGTERM", id);
  await eventually(async () => (await gantry.ctr("tasks", "list")).includes("STOPPED"), { what: "its end" });
  const stopped = "gantry: container web does not run\nhint: gantry start web\n";
  for (const args of [["web", "true"], ["-u", "nobody", "web", "true"], ["-d", "web", "true"]]) {
    const end = await exec(gantry, args);
    assert.deepEqual([end.code, end.err], [125, stopped], args.join(" "));
  }
  await gantry.ctr("tasks", "delete", id);
  const ended = await exec(gantry, ["web", "true"]);
  assert.deepEqual([ended.code, ended.err], [125, stopped]);
  await removeAll(gantry, "web");
});

gantryTest("T07 without runc's state of the container, containerd is asked", {}, async (gantry) => {
  const id = await startIdle(gantry, "web", ["-w", "/etc"]);
  // As another runtime leaves it; what runs goes on.
  const state = `${gantry.runcState(id)}/state.json`;
  const text = await Deno.readTextFile(state);
  await Deno.writeTextFile(state, "{}");
  const { code, err } = await exec(gantry, ["web", "pwd"]);
  await Deno.writeTextFile(state, text);
  // runc itself cannot then run it: but it was asked to, with the stored spec.
  assert.equal(code, 125);
  assert.match(err, /exec/i);
  assert.equal((await exec(gantry, ["web", "pwd"])).out, "/etc\n");
  await assertNoExecs(gantry, id);
  await removeAll(gantry, "web");
});

gantryTest("T07 a child that holds the output does not hold up the answer", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const end = await exec(gantry, ["web", "sh", "-c", "echo here; sleep 30 & exit 6"]);
  assert.deepEqual([end.code, end.out, end.err], [6, "here\n", ""]);
  assert.ok(end.ms < 8000, `after ${end.ms} ms`);
  await assertNoExecs(gantry, id);
  await removeAll(gantry, "web");
});

gantryTest("T02 exec into a pipe that nobody reads ends, and so does its program", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const end = await gantry.bash('"$@" exec web yes | head -n 1; echo "${PIPESTATUS[0]}"');
  assert.equal(end.out, "y\n137\n", end.err);
  await assertNoExecs(gantry, id);
  assert.doesNotMatch(await processes(gantry, "web"), /yes/);
  await removeAll(gantry, "web");
});

/** What runs in a container, as its own ps sees it. */
async function processes(gantry: GantryInstance, name: string): Promise<string> {
  return (await exec(gantry, [name, "ps", "-o", "args"])).out;
}
