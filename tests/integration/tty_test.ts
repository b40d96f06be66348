import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { gantryProgram } from "../support/gantry_program.ts";
import { PtyProgram } from "../support/pty.ts";

/** `gantry run` on a terminal of its own. */
function onTerminal(
  gantry: GantryInstance,
  args: readonly string[],
  options: { readonly size?: { readonly columns: number; readonly rows: number }; readonly redirect?: string } = {},
): PtyProgram {
  return new PtyProgram([...gantryProgram(), "run", "--rootfs", gantry.rootfs, ...args], {
    env: gantry.env,
    ...options,
  });
}

gantryTest("T04 the terminal has the right size before the first byte, and follows ours", {}, async (gantry) => {
  const script = "stty size; trap 'stty size' WINCH; while :; do sleep 0.1; done";
  await using program = onTerminal(gantry, ["--rm", "-it", ...sh(script)], { size: { columns: 101, rows: 31 } });
  assert.equal(await program.untilOut(/\n/), "31 101\r\n");
  program.resize(120, 40);
  await program.untilOut(/40 120\r\n/);
  program.signal("SIGKILL");
  await program.ended();
  assert.equal((await gantry.gantry(["rm", "-f", (await gantry.onlyRunning()).id])).code, 0);
});

gantryTest("T04 keys reach the program, also ctrl-c, and the terminal is given back at its end", {}, async (gantry) => {
  const script =
    "trap 'echo interrupted; exit 9' INT; echo up; read line; echo \"got $line\"; while :; do sleep 0.1; done";
  await using program = onTerminal(gantry, ["--rm", "-it", ...sh(script)]);
  const before = await program.settings();
  await program.untilOut(/up/);
  assert.notEqual(await program.settings(), before, "raw while it runs");
  program.type("hello\r");
  await program.untilOut(/hello\r\ngot hello\r\n/);
  program.type("\x03");
  const end = await program.ended();
  assert.deepEqual([end.code, end.out], [9, "up\r\nhello\r\ngot hello\r\n^Cinterrupted\r\n"]);
  assert.equal(await program.settings(), before);
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
  gantryTest(`T04 the terminal is given back when ${signal} ends it`, { versions: ["1.7"] }, async (gantry) => {
    await using program = onTerminal(gantry, [
      "--rm",
      "-it",
      ...sh("trap 'exit 5' TERM HUP INT; echo up; while :; do sleep 0.1; done"),
    ]);
    const before = await program.settings();
    await program.untilOut(/up/);
    program.signal(signal);
    assert.equal((await program.ended()).code, 5, "the program got the signal and chose its code");
    assert.equal(await program.settings(), before);
  });
}

gantryTest("T04 the terminal is given back when the start fails", { versions: ["1.6"] }, async (gantry) => {
  await using program = onTerminal(gantry, ["--rm", "-it", "--", "nope"]);
  const before = await program.settings();
  assert.equal((await program.ended()).code, 127);
  assert.equal(await program.settings(), before);
});

gantryTest("T05 the third INT frees the terminal and leaves the container", {}, async (gantry) => {
  await using program = onTerminal(gantry, [
    "--name",
    "deaf",
    "-t",
    ...sh("trap '' INT; echo up; while :; do sleep 0.1; done"),
  ]);
  await program.untilOut(/up/);
  // Spaced, for the kernel makes one of several that are pending.
  const end = await eventually(async () => {
    program.signal("SIGINT");
    return await program.ended(200).catch(() => undefined);
  }, { what: "the third one to free the terminal" });
  assert.equal(end.code, 1, end.out);
  assert.match(end.out, /container deaf goes on/);
  assert.match((await gantry.gantry(["ps"])).out, /Up .*deaf/);
  assert.equal((await gantry.gantry(["rm", "-f", "deaf"])).code, 0);
});

gantryTest(
  "T04 the detach keys leave the container running, its output goes to a log, --rm removes it at its end",
  {},
  async (gantry) => {
    const script =
      'echo up; read line; echo "got $line"; sleep 1; i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; sleep 3';
    await using program = onTerminal(gantry, ["--rm", "--name", "shell", "-it", ...sh(script)]);
    const before = await program.settings();
    await program.untilOut(/up/);
    program.type("a\x10b\r");
    await program.untilOut(/got a/);
    program.type("\x10\x11");
    const end = await program.ended();
    assert.equal(end.code, 0, end.out);
    assert.equal(await program.settings(), before);
    assert.match((await gantry.gantry(["ps"])).out, /shell/);
    const { id } = await gantry.onlyRunning();
    const log = `${gantry.root}/containers/default/${id}/stdout.log`;
    await eventually(async () => (await Deno.readTextFile(log).catch(() => "")).includes("line 2999\r\n"), {
      what: "all lines in the log: the pipe would hold a third of them",
    });
    await eventually(async () => (await gantry.containers()).length === 0, { what: "its removal" });
  },
);

gantryTest("T04 --detach-keys chooses other keys, and none", { versions: ["2.1"] }, async (gantry) => {
  await using other = onTerminal(gantry, ["--name", "other", "--detach-keys", "ctrl-a,q", "-it", "--", "cat"]);
  await gantry.onlyRunning();
  other.type("\x10\x11x\r");
  await other.untilOut(/x/);
  other.type("\x01q");
  assert.equal((await other.ended()).code, 0);
  assert.equal((await gantry.gantry(["rm", "-f", "other"])).code, 0);
  await using none = onTerminal(gantry, [
    "--rm",
    "--detach-keys",
    "",
    "-it",
    ...sh("echo up; stty raw -echo; head -c 2 | od -c"),
  ]);
  await none.untilOut(/up/);
  none.type("\x10\x11");
  await none.untilOut(/020 021/);
  assert.equal((await none.ended()).code, 0);
});

gantryTest(
  "T04 -t without -i shows a terminal and leaves ours alone; -i without -t is a pipe",
  { versions: ["1.6"] },
  async (gantry) => {
    await using terminal = onTerminal(gantry, ["--rm", "-t", ...sh("tty; test -t 1 && echo yes")]);
    // Our terminal stays as it is, with its own idea of line ends.
    assert.equal((await terminal.ended()).out.replaceAll("\r", ""), "/dev/pts/0\nyes\n");
    await using pipe = onTerminal(gantry, ["--rm", "-i", ...sh("tty; test -t 1 || echo no; cat")]);
    await pipe.untilOut(/no/);
    pipe.type("typed\r");
    pipe.type("\x04");
    const end = await pipe.ended();
    assert.deepEqual([end.code, end.out.replaceAll("\r", "")], [0, "not a tty\nno\ntyped\ntyped\n"]);
  },
);

gantryTest("T05 signals sent to run reach the program, by name", {}, async (gantry) => {
  const script =
    'for s in HUP USR1 USR2 TERM QUIT ALRM CONT; do trap "echo got $s" $s; done; echo up; while :; do sleep 0.05; done';
  await using program = gantry.startRun(["--name", "traps", ...sh(script)]);
  await program.untilOut(/up/);
  for (const name of ["HUP", "USR1", "USR2", "TERM", "QUIT", "ALRM", "CONT"] as const) {
    program.signal(`SIG${name}`);
    await program.untilOut(new RegExp(`got ${name}\\n`));
  }
  assert.equal((await gantry.gantry(["rm", "-f", "traps"])).code, 0);
  assert.equal((await program.ended()).code, 137);
});

gantryTest(
  "T05 without --sig-proxy a signal ends gantry and not the container",
  { versions: ["1.7"] },
  async (gantry) => {
    await using program = gantry.startRun(["--name", "calm", "--sig-proxy=false", ...sh("echo up; sleep 100")]);
    await program.untilOut(/up/);
    program.signal("SIGTERM");
    const end = await program.ended();
    assert.match(end.err, /container calm goes on/);
    assert.match((await gantry.gantry(["ps"])).out, /calm/);
    assert.equal((await gantry.gantry(["rm", "-f", "calm"])).code, 0);
  },
);

gantryTest("T05 a signal before the start undoes everything", {}, async (gantry) => {
  for (const ms of [60, 100, 140]) {
    await using program = gantry.startRun(["--rm", "--name", "early", ...sh("sleep 1; exit 7")]);
    await new Promise((resolve) => setTimeout(resolve, ms));
    program.signal("SIGINT");
    const end = await program.ended();
    // Too late to be early, it went to the program, whose first process ignores it.
    assert.ok([130, 7].includes(end.code), `after ${ms} ms: ${end.code} ${end.err}`);
    await gantry.assertEmpty(10_000);
  }
});
