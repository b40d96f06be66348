import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { gantryProgram } from "../support/gantry_program.ts";
import { Pty } from "../support/pty.ts";
import type { RunningProgram } from "../support/running_program.ts";

const ctrlP = "\x10";
const ctrlQ = "\x11";

/** `gantry run -d` with the instance's root filesystem; the id. */
async function runDetached(gantry: GantryInstance, args: readonly string[]): Promise<string> {
  const end = await gantry.gantry(["run", "-d", "--rootfs", gantry.rootfs, ...args]);
  assert.deepEqual([end.code, end.err], [0, ""]);
  return end.out.trim();
}

/** Waits until so many have the log of a container open: they are attached. */
async function untilAttached(gantry: GantryInstance, id: string, programs: readonly RunningProgram[]): Promise<void> {
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  await eventually(() => programs.every(({ pid }) => hasOpen(pid, log)), { what: "all to be attached" });
}

function hasOpen(pid: number, path: string): boolean {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/${pid}/fd/${name}`) === path;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

gantryTest(
  "T06 attach gives what is written from then on, apart and to the last byte, and the exit code",
  {},
  async (gantry) => {
    const script =
      `echo early; read -r go; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo out $i; echo err $i >&2; done
    head -c 3000000 /dev/zero; exit 42`;
    const id = await runDetached(gantry, ["-i", "--name", "job", ...sh(script)]);
    await eventually(
      async () => (await Deno.readTextFile(`${gantry.root}/containers/default/${id}/stdout.log`)) !== "",
      {
        what: "its first word",
      },
    );
    await using first = gantry.start(["attach", "job"]);
    await using second = gantry.start(["attach", "--no-stdin", id.slice(0, 12)]);
    await untilAttached(gantry, id, [first, second]);
    await using third = gantry.start(["attach", "job"], { stdin: "go\n" });
    const ends = [await first.ended(), await second.ended()];
    assert.equal((await third.ended()).code, 42);
    const numbers = Array.from({ length: 3000 }, (_, i) => i + 1);
    const out = numbers.map((i) => `out ${i}\n`).join("") + "\0".repeat(3_000_000);
    const err = numbers.map((i) => `err ${i}\n`).join("");
    for (const end of ends) {
      assert.equal(end.code, 42);
      assert.ok(end.out === out, `${end.out.length} bytes of ${out.length}`);
      assert.equal(end.err, err);
    }
    assert.equal((await gantry.gantry(["rm", "job"])).code, 0);
  },
);

gantryTest("T06 attach to what cannot be attached to says why", {}, async (gantry) => {
  const refusals: (readonly [name: string, err: RegExp])[] = [];
  await using attended = gantry.startRun(["--name", "held", ...sh("echo up; sleep 1000")]);
  await attended.untilOut(/up/);
  refusals.push([
    "held",
    new RegExp(
      `^gantry: container held is attended to by process ${attended.pid}\nhint: its output goes there; .*\n$`,
    ),
  ]);
  await runDetached(gantry, ["--name", "over", "--", "true"]);
  refusals.push([
    "over",
    /^gantry: container over does not run\nhint: start it and attach to it: gantry start -a over\n$/,
  ]);
  const created = await gantry.gantry(["create", "--name", "new", "--rootfs", gantry.rootfs, "--", "true"]);
  assert.equal(created.code, 0, created.err);
  refusals.push([
    "new",
    /^gantry: container new does not run\nhint: start it and attach to it: gantry start -a new\n$/,
  ]);
  const paused = await runDetached(gantry, ["--name", "ice", ...sh("sleep 1000")]);
  await gantry.ctr("tasks", "pause", paused);
  refusals.push(["ice", /^gantry: container ice is paused\nhint: let it go on: gantry resume ice\n$/]);
  await runDetached(gantry, ["--log", "none", "--name", "mute", ...sh("sleep 1000")]);
  refusals.push(["mute", /^gantry: the output of container mute is kept nowhere\nhint: .*--log none.*\n$/]);
  await runDetached(gantry, ["-it", "--name", "term", ...sh("sleep 1000")]);
  refusals.push(["term", /^gantry: stdin is no terminal\nhint: add --no-stdin, or run gantry in a terminal\n$/]);
  refusals.push(["nope", /^gantry: no container "nope" in namespace default\nhint: .*\n$/]);
  await eventually(async () => (await gantry.gantry(["ps", "-a"])).out.includes("Exited (0)"), {
    what: "the end of one",
  });
  for (const [name, err] of refusals) {
    const end = await gantry.gantry(["attach", name]);
    assert.deepEqual([end.code, end.out], [125, ""], name);
    assert.match(end.err, err);
  }
  const all = ["held", "over", "new", "ice", "mute", "term"];
  assert.equal((await gantry.gantry(["rm", "-f", ...all])).code, 0);
  assert.equal((await attended.ended()).code, 137);
});

gantryTest(
  "T05 attach passes signals on; a third INT, a reader that goes and a kill of it end attach alone",
  {},
  async (gantry) => {
    const script =
      "trap 'echo got USR1' USR1; trap '' INT; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done";
    const id = await runDetached(gantry, ["--name", "web", ...sh(script)]);
    await using program = gantry.start(["attach", "web"]);
    await program.untilOut(/line \d+\n/);
    program.signal("SIGUSR1");
    await program.untilOut(/got USR1\n/);
    const left = await eventually(async () => {
      program.signal("SIGINT");
      return await program.ended(150).catch(() => undefined);
    }, { what: "the third INT to end it" });
    assert.equal(left.code, 1);
    assert.match(left.err, /^gantry: container web goes on; `gantry attach web` comes back to it\n$/);
    const head = await gantry.bash('"$@" attach web | head -n 2');
    assert.deepEqual([head.code, head.out.split("\n").length], [0, 3], head.err);
    await using deaf = gantry.start(["attach", "--sig-proxy=false", "web"]);
    await deaf.untilOut(/line/);
    deaf.signal("SIGTERM");
    assert.equal((await deaf.ended()).code, 143);
    await using killed = gantry.start(["attach", "web"]);
    await killed.untilOut(/line/);
    killed.signal("SIGKILL");
    await killed.ended();
    assert.equal((await gantry.onlyRunning()).id, id);
    await using last = gantry.start(["attach", "web"]);
    await last.untilOut(/line/);
    assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
    const end = await last.ended();
    assert.deepEqual([end.code, end.err], [137, ""]);
  },
);

gantryTest(
  "T06 the end of one client's stdin is not the container's, and all of them can write",
  {},
  async (gantry) => {
    const id = await runDetached(gantry, ["-i", "--name", "ear", "--", "cat"]);
    await using listener = gantry.start(["attach", "--no-stdin", "ear"]);
    await untilAttached(gantry, id, [listener]);
    const clients = ["one", "two", "three"].map((word) => gantry.start(["attach", "ear"], { stdin: `${word}\n` }));
    await listener.untilOut(/^(?=.*one\n)(?=.*two\n)(?=.*three\n)/s);
    for (const client of clients) assert.equal(client.running, true);
    assert.equal((await gantry.gantry(["rm", "-f", "ear"])).code, 0);
    for (const client of clients) {
      await using ended = client;
      assert.equal((await ended.ended()).code, 137);
    }
    const end = await listener.ended();
    assert.deepEqual([end.code, end.out.split("\n").sort()], [137, ["", "one", "three", "two"]]);
  },
);

gantryTest("T04 attach on a terminal: size, keys, detach keys, and the terminal is given back", {}, async (gantry) => {
  await using pty = new Pty({ rows: 35, columns: 95 });
  const script = "trap 'stty size' WINCH; while :; do read -r line && echo \"<$line>\"; done";
  await runDetached(gantry, ["-it", "--name", "term", ...sh(script)]);
  for (const [size, word] of [[{ rows: 35, columns: 95 }, "a"], [{ rows: 20, columns: 70 }, "b"]] as const) {
    const shown = pty.seen.length;
    pty.resize(size);
    const before = await pty.modes();
    await using program = pty.start([...gantryProgram(), "attach", "term"], gantry.env);
    await eventually(() => pty.seen.slice(shown).includes(`${size.rows} ${size.columns}\r\n`), { what: "its size" });
    assert.match(await pty.modes(), / -icanon .* -echo /s);
    pty.type(`${word}\r`);
    await eventually(() => pty.seen.slice(shown).includes(`<${word}>\r\n`), { what: "the answer" });
    pty.type(ctrlP + ctrlQ);
    assert.equal((await program.ended()).code, 0);
    assert.match(pty.seen.slice(shown), /gantry: container term goes on; `gantry attach term` comes back to it/);
    assert.equal(await pty.modes(), before);
  }
  await gantry.onlyRunning();
  // The keys of one's own, and the end of the container.
  const before = await pty.modes();
  const shown = pty.seen.length;
  await using program = pty.start([...gantryProgram(), "attach", "--detach-keys", "ctrl-x", "term"], gantry.env);
  await eventually(() => pty.seen.slice(shown).includes("20 70\r\n"), { what: "it to be attached" });
  pty.type(ctrlP + ctrlQ);
  await using other = pty.start([...gantryProgram(), "attach", "--no-stdin", "term"], gantry.env);
  assert.equal((await gantry.gantry(["rm", "-f", "term"])).code, 0);
  assert.equal((await program.ended()).code, 137);
  // It may have come after the end.
  assert.ok([125, 137].includes((await other.ended()).code));
  assert.equal(await pty.modes(), before);
});

gantryTest("T04 a container that was detached from can be attached to, again and again", {}, async (gantry) => {
  await using pty = new Pty();
  const before = await pty.modes();
  const run = ["run", "--rm", "-it", "--name", "left", "--rootfs", gantry.rootfs];
  const script = 'echo ready; while read -r line; do echo "<$line>"; [ "$line" != bye ] || exit 6; done';
  await using program = pty.start([...gantryProgram(), ...run, ...sh(script)], gantry.env);
  await pty.shows(/ready\r\n/);
  pty.type(ctrlP + ctrlQ);
  assert.equal((await program.ended()).code, 0);
  for (const word of ["one", "two"]) {
    await using again = pty.start([...gantryProgram(), "attach", "left"], gantry.env);
    await eventually(async () => (await pty.modes()).includes(" -icanon "), { what: "raw mode" });
    pty.type(`${word}\r`);
    await pty.shows(new RegExp(`<${word}>\r\n`));
    pty.type(ctrlP + ctrlQ);
    assert.equal((await again.ended()).code, 0);
    assert.equal(await pty.modes(), before);
  }
  await using last = pty.start([...gantryProgram(), "attach", "left"], gantry.env);
  await eventually(async () => (await pty.modes()).includes(" -icanon "), { what: "raw mode" });
  pty.type("bye\r");
  assert.equal((await last.ended()).code, 6);
  await pty.shows(/<bye>\r\n/);
  assert.equal(await pty.modes(), before);
  await gantry.assertEmpty(15_000);
});

gantryTest(
  "attach waits through an outage of containerd and gives the exit code",
  { versions: ["1.6", "2.1"], needs: "containerd" },
  async (gantry) => {
    const id = await runDetached(gantry, ["-i", "--name", "long", ...sh("echo up; read -r x; echo down; exit 11")]);
    await using program = gantry.start(["attach", "long"], { stdin: "piped" });
    await untilAttached(gantry, id, [program]);
    await gantry.containerd.end("SIGKILL");
    await program.write("go\n");
    await program.untilOut(/down\n/);
    await gantry.containerd.start();
    const end = await program.ended();
    assert.deepEqual([end.code, end.err], [11, ""]);
    assert.equal((await gantry.gantry(["rm", "-f", "long"])).code, 0);
  },
);
