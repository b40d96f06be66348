/** `gantry exec` and its program: what becomes of the one when something happens to the other. */
import assert from "node:assert/strict";
import { below } from "../support/container_remains.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest } from "../support/gantry.ts";
import { gantryProgram } from "../support/gantry_program.ts";
import { removeAll, startIdle } from "../support/idle_container.ts";
import { Pty } from "../support/pty.ts";

const loop = "while :; do sleep 0.05; done";

/** The processes of a container, with their command lines. */
async function inside(gantry: GantryInstance, id: string): Promise<ReadonlyMap<number, string>> {
  const lines = (await gantry.ctr("tasks", "ps", id)).split("\n").slice(1);
  const pids = lines.map((line) => Number(line.split(/\s+/)[0])).filter((pid) => pid > 0);
  const named = pids.map(async (pid) => {
    const line = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    return [pid, line.replaceAll("\0", " ").trim()] as const;
  });
  return new Map(await Promise.all(named));
}

/** Pid of the one process of a container whose command line matches. */
async function processOf(gantry: GantryInstance, id: string, pattern: RegExp): Promise<number> {
  const found = [...await inside(gantry, id)].filter(([, line]) => pattern.test(line));
  assert.equal(found.length, 1, JSON.stringify(found));
  return found[0]?.[0] ?? 0;
}

/** Waits until no exec of a container is left: processes, pid files of the shim, FIFOs. */
async function execsGone(gantry: GantryInstance, id: string, what: string): Promise<void> {
  let left: readonly string[] = [];
  await eventually(async () => {
    const bundle = await below(`${gantry.containerd.tasks}/default/${id}`);
    left = [
      ...[...(await inside(gantry, id)).values()].filter((line) => line.includes("of the exec")),
      ...bundle.filter((path) => path.endsWith(".pid") && !path.endsWith("/init.pid")),
      ...await below(`${gantry.state}/containers/default/${id}`, 1),
    ];
    return left.length === 0;
  }, { what, withinMs: 30_000 }).catch((error: unknown) => {
    throw new Error(`left: ${JSON.stringify(left)}`, { cause: error });
  });
}

gantryTest("T05 signals sent to exec reach its program and nobody else", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  for (const [name, code] of [["TERM", 41], ["INT", 42], ["HUP", 43], ["USR1", 44]] as const) {
    await using program = gantry.start(["exec", "web", "sh", "-c", `trap 'exit ${code}' ${name}; echo up; ${loop}`]);
    await program.untilOut(/up/);
    program.signal(`SIG${name}`);
    assert.equal((await program.ended()).code, code);
  }
  await execsGone(gantry, id, "their ends");
  await removeAll(gantry, "web");
});

gantryTest("T07 an exec dies with its client: killed, hung up, interrupted", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const deaf = ["sh", "-c", `trap '' TERM INT HUP; echo up; : of the exec; ${loop}`];
  const ways: readonly (readonly [string, readonly string[], Deno.Signal, number, number])[] = [
    ["SIGKILL", [], "SIGKILL", 1, 137],
    ["SIGKILL while it writes", [], "SIGKILL", 1, 137],
    ["TERM without the proxy", ["--no-sig-proxy"], "SIGTERM", 1, 143],
    ["HUP without the proxy", ["--no-sig-proxy"], "SIGHUP", 1, 129],
    ["the third INT", [], "SIGINT", 3, 1],
  ];
  for (const [what, flags, signal, times, code] of ways) {
    const command = what.includes("writes") ? ["sh", "-c", "echo up; : of the exec; while :; do echo x; done"] : deaf;
    await using program = gantry.start(["exec", ...flags, "web", ...command]);
    await program.untilOut(/up/);
    for (let n = 1; n < times; n++) {
      program.signal(signal);
      // Two of a kind that wait at once are one.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    program.signal(signal);
    const end = await program.ended();
    assert.equal(end.code, code, `${what}: ${end.err}`);
    // Its output may be here before the answer that it was started: it is then one that was interrupted.
    if (signal !== "SIGKILL") assert.match(end.err, /exec [0-9a-f]{12} in web(?: was killed|: interrupted)/, what);
    await execsGone(gantry, id, `the end of what ran in it, after ${what}`);
  }
  await removeAll(gantry, "web");
});

gantryTest("T07 a client that is killed at any moment of the making leaves no exec", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  for (const ms of [60, 90, 110, 120, 130, 140, 150, 160, 180, 220]) {
    await using program = gantry.start(["exec", "-i", "web", "sh", "-c", `: of the exec; ${loop}`], { stdin: "piped" });
    await new Promise((resolve) => setTimeout(resolve, ms));
    program.signal("SIGKILL");
    await program.ended();
  }
  await execsGone(gantry, id, "the end of all");
  await removeAll(gantry, "web");
});

gantryTest("T07 an exec ends with its container, and never as a success", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  await using first = gantry.start(["exec", "web", "sh", "-c", "trap '' TERM; echo up; sleep 1000"]);
  await using second = gantry.start(["exec", "-t", "web", "sh", "-c", "echo up; sleep 1000"]);
  await first.untilOut(/up/);
  await second.untilOut(/up/);
  await gantry.ctr("tasks", "kill", "-s", "SIGTERM", id);
  assert.deepEqual([(await first.ended()).code, (await second.ended()).code], [137, 137]);
  await removeAll(gantry, "web");

  await startIdle(gantry, "other");
  await using third = gantry.start(["exec", "other", "sh", "-c", "echo up; sleep 1000"]);
  await third.untilOut(/up/);
  await removeAll(gantry, "other");
  const end = await third.ended();
  assert.equal(end.code, 137, end.err);
});

gantryTest("T07 a detached exec goes on without its client, and is freed by the next one", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const first = await gantry.gantry(["exec", "-d", "web", "sh", "-c", "echo lost; echo done >/tmp/first; exit 3"]);
  assert.match(first.out, /^[0-9a-f]{64}\n$/);
  assert.deepEqual([first.code, first.err], [0, ""]);
  await eventually(async () => await Deno.readTextFile(`${gantry.rootfs}/tmp/first`).catch(() => undefined), {
    what: "what it does",
  });
  const second = await gantry.gantry(["exec", "-dt", "web", "sh", "-c", "tty -s && exec sleep 100; : of the exec"]);
  assert.equal(second.code, 0, second.err);
  const bundle = await below(`${gantry.containerd.tasks}/default/${id}`);
  const execs = bundle.filter((path) => path.endsWith(".pid") && !path.endsWith("/init.pid"));
  assert.deepEqual(execs.map((path) => path.split("/").at(-1)), [`${second.out.trim()}.pid`]);
  const missing = await gantry.gantry(["exec", "-d", "web", "nope"]);
  assert.deepEqual([missing.code, missing.out], [127, ""]);
  await removeAll(gantry, "web");
});

gantryTest(
  "T04 an exec sees the size of the terminal in its first instruction, and each change of it",
  {},
  async (gantry) => {
    await startIdle(gantry, "web");
    await using pty = new Pty({ rows: 33, columns: 117 });
    const script = "stty size; trap 'stty size; exit 3' WINCH; echo ready $TERM; while :; do sleep 0.05; done";
    await using program = pty.start([...gantryProgram(), "exec", "-it", "web", "sh", "-c", script], gantry.env);
    await pty.shows(/^33 117\r\nready xterm\r\n/);
    pty.resize({ rows: 50, columns: 100 });
    await pty.shows(/ready xterm\r\n50 100\r\n/);
    assert.equal((await program.ended()).code, 3);
    assert.match(await pty.modes(), / icanon .* echo /s, "the terminal is given back");
    await removeAll(gantry, "web");
  },
);

gantryTest("T04 the detach keys leave an exec running, and what it writes is read", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  await using pty = new Pty();
  const before = await pty.modes();
  // More than a pipe holds: with nobody to read it would never come to its end.
  const script = "echo ready; : of the exec; read x; seq 1 30000; echo done >/tmp/written; sleep 100";
  await using program = pty.start([...gantryProgram(), "exec", "-it", "web", "sh", "-c", script], gantry.env);
  await pty.shows(/ready/);
  pty.type("go\r\x10\x11");
  assert.equal((await program.ended()).code, 0);
  await pty.shows(/exec [0-9a-f]{12} in web goes on/);
  assert.equal(await pty.modes(), before);
  await eventually(async () => await Deno.readTextFile(`${gantry.rootfs}/tmp/written`).catch(() => undefined), {
    what: "its last word",
  });
  const sleeper = await processOf(gantry, id, /^sleep 100/);
  Deno.kill(sleeper, "SIGKILL");
  await execsGone(gantry, id, "its end, and that of who read");
  await removeAll(gantry, "web");
});

gantryTest(
  "S12 an exec outlives a containerd, and its exit code is told",
  { versions: ["1.7", "2.1"], needs: "containerd" },
  async (gantry) => {
    const id = await startIdle(gantry, "web");
    await using program = gantry.start(["exec", "web", "sh", "-c", "echo up; sleep 2; echo over; exit 9"]);
    await program.untilOut(/up/);
    await gantry.containerd.end("SIGKILL");
    await gantry.containerd.start();
    const end = await program.ended();
    assert.deepEqual([end.code, end.out], [9, "up\nover\n"], end.err);
    await execsGone(gantry, id, "its end");
    await removeAll(gantry, "web");
  },
);
