import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { gantryProgram } from "../support/gantry_program.ts";
import { Pty } from "../support/pty.ts";
import type { RunningProgram } from "../support/running_program.ts";

const ctrlA = "\x01";
const ctrlC = "\x03";
const ctrlP = "\x10";
const ctrlQ = "\x11";

/** Starts `gantry run` with the root filesystem on a terminal. */
function startOn(pty: Pty, gantry: GantryInstance, args: readonly string[]): RunningProgram {
  return pty.start([...gantryProgram(), "run", "--rootfs", gantry.rootfs, ...args], gantry.env);
}

gantryTest(
  "T04 a program sees the size of the terminal in its first instruction, and each change of it",
  {},
  async (gantry) => {
    await using pty = new Pty({ rows: 33, columns: 117 });
    const script = "stty size; trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done";
    await using program = startOn(pty, gantry, ["--rm", "-it", ...sh(script)]);
    await pty.shows(/^33 117\r\nready\r\n/);
    pty.resize({ rows: 50, columns: 100 });
    await pty.shows(/ready\r\n50 100\r\n/);
    assert.equal((await program.ended()).code, 3);
  },
);

gantryTest("T04 keys go to the program as they are, and the terminal is given back at its end", {}, async (gantry) => {
  await using pty = new Pty();
  const before = await pty.modes();
  const script = "trap 'echo got INT; exit 5' INT; echo ready; while :; do read -r line; echo \"<$line>\"; done";
  await using program = startOn(pty, gantry, ["--rm", "-it", ...sh(script)]);
  await pty.shows(/ready/);
  assert.match(await pty.modes(), / -icanon .* -echo /s);
  pty.type("hello\r");
  await pty.shows(/hello\r\n<hello>\r\n/);
  pty.type(ctrlC);
  assert.equal((await program.ended()).code, 5);
  await pty.shows(/got INT/);
  assert.doesNotMatch(pty.seen, /hello.*hello.*hello/s, "one echo and one answer");
  assert.equal(await pty.modes(), before);
});

gantryTest("T04 the terminal is given back on every way out", {}, async (gantry) => {
  await using pty = new Pty();
  const before = await pty.modes();
  const wait = ["-it", "--rm", ...sh("trap '' TERM HUP INT; echo ready; while :; do sleep 0.05; done")];
  const ways: readonly (readonly [
    string,
    readonly string[],
    ((program: RunningProgram) => Promise<void>) | undefined,
    number,
  ])[] = [
    ["the command is not there", ["-it", "--rm", "--", "nope"], undefined, 127],
    ["the working directory is a file", ["-it", "--rm", "-w", "/etc/passwd", "--", "true"], undefined, 125],
    ["the container is killed", wait, async () => {
      const { pid } = await gantry.onlyRunning();
      Deno.kill(pid, "SIGKILL");
    }, 137],
    [
      "a signal ends it",
      ["-it", "--rm", ...sh("trap 'exit 9' HUP; echo ready; while :; do sleep 0.05; done")],
      (program) => {
        program.signal("SIGHUP");
        return Promise.resolve();
      },
      9,
    ],
    ["three signals that it ignores", wait, async (program) => {
      for (const name of ["SIGTERM", "SIGINT", "SIGTERM"] as const) {
        program.signal(name);
        // Two of a kind that wait at once are one.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }, 1],
    ["the proxy is off and a signal comes", ["--sig-proxy=false", ...wait], (program) => {
      program.signal("SIGTERM");
      return Promise.resolve();
    }, 143],
  ];
  for (const [way, args, act, code] of ways) {
    const shown = pty.seen.length;
    await using program = startOn(pty, gantry, args);
    if (act !== undefined) {
      await eventually(() => pty.seen.slice(shown).includes("ready"), { what: `${way}: ready` });
      await act(program);
    }
    const end = await program.ended();
    assert.equal(end.code, code, `${way}: ${pty.seen.slice(shown)}`);
    assert.equal(await pty.modes(), before, way);
    for (const id of await gantry.containers()) await gantry.gantry(["rm", "-f", id]);
  }
});

gantryTest("T04 the detach keys leave the container running, and nothing it writes is lost", {}, async (gantry) => {
  await using pty = new Pty();
  const before = await pty.modes();
  const script =
    "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo line $i; [ $i != 1000 ] || read -r x; done; sleep 1000";
  await using program = startOn(pty, gantry, ["--name", "left", "-it", ...sh(script)]);
  await pty.shows(/line 1000\r\n/);
  pty.type(`go\r`);
  pty.type(ctrlP + ctrlQ);
  assert.equal((await program.ended()).code, 0);
  assert.equal(await pty.modes(), before);
  assert.match(pty.seen, /gantry: container left goes on/);
  const { id } = await gantry.onlyRunning();
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  const kept = await eventually(async () => {
    const text = await Deno.readTextFile(log).catch(() => "");
    return text.includes("line 30000\r\n") && text;
  }, { what: "the rest in the log" });
  const shown = pty.seen.replace(/\r?\ngantry: container left goes on.*$/s, "");
  const lines = [...`${shown}${kept}`.matchAll(/line (\d+)\r\n/g)].map(([, number]) => Number(number));
  assert.deepEqual(
    lines,
    Array.from({ length: 30_000 }, (_, i) => i + 1),
    "every line once, on the terminal or in the log",
  );
  assert.equal((await gantry.gantry(["rm", "-f", "left"])).code, 0);
});

gantryTest("T04 a container with --rm that was detached from is removed at its end", {}, async (gantry) => {
  await using pty = new Pty();
  await using program = startOn(pty, gantry, ["--rm", "-it", ...sh("echo ready; read -r x; sleep 0.5; echo bye")]);
  await pty.shows(/ready/);
  pty.type(`go\r${ctrlP}${ctrlQ}`);
  assert.equal((await program.ended()).code, 0);
  await gantry.assertEmpty(15_000);
});

gantryTest("T04 detach keys can be others or none, and half of them is input", {}, async (gantry) => {
  await using pty = new Pty();
  const echo = sh("stty raw -echo; echo ready; cat");
  {
    await using program = startOn(pty, gantry, ["--rm", "-it", "--detach-keys", "ctrl-a,d", ...echo]);
    await pty.shows(/ready/);
    pty.type(ctrlP + ctrlQ);
    await pty.shows(new RegExp(ctrlP + ctrlQ));
    pty.type("\x01x");
    await pty.shows(new RegExp(ctrlA + "x"));
    // Held back, for it may be the first of the keys, but not for long.
    pty.type("\x01");
    await pty.shows(new RegExp(`${ctrlA}x${ctrlA}`), 3000);
    pty.type("\x01d");
    assert.equal((await program.ended()).code, 0);
  }
  assert.equal((await gantry.gantry(["rm", "-f", (await gantry.onlyRunning()).id])).code, 0);
  const shown = pty.seen.length;
  await using program = startOn(pty, gantry, ["--rm", "-it", "--detach-keys", "", ...echo]);
  await eventually(() => pty.seen.slice(shown).includes("ready"), { what: "ready" });
  pty.type(ctrlP + ctrlQ);
  await eventually(() => pty.seen.slice(shown).includes(ctrlP + ctrlQ), { what: "the keys" });
  assert.equal((await gantry.gantry(["rm", "-f", (await gantry.onlyRunning()).id])).code, 0);
  assert.equal((await program.ended()).code, 137);
});

gantryTest("T04 a terminal without -i shows output only, and -i without -t is no terminal", {}, async (gantry) => {
  await using pty = new Pty({ rows: 40, columns: 99 });
  const before = await pty.modes();
  const only = await pty.run(
    [
      ...gantryProgram(),
      "run",
      "--rm",
      "-t",
      "--rootfs",
      gantry.rootfs,
      ...sh("stty size; test -t 1 && echo tty"),
    ],
    gantry.env,
  );
  assert.equal(only.code, 0);
  // Our terminal keeps its own idea of line ends beside the container's.
  await pty.shows(/^40 99\r\r\ntty\r\r\n$/);
  assert.equal(await pty.modes(), before);
  await using program = startOn(pty, gantry, ["--rm", "-i", ...sh('test -t 0 || echo no tty; read -r x; echo "<$x>"')]);
  await pty.shows(/no tty\r\n/);
  assert.equal(await pty.modes(), before);
  pty.type("typed\r");
  assert.equal((await program.ended()).code, 0);
  await pty.shows(/typed\r\n<typed>\r\n$/);
});
