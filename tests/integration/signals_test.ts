import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";

const signals = ["HUP", "USR1", "USR2", "TERM", "QUIT", "ALRM", "CONT"] as const;

gantryTest("T05 signals sent to run reach the program, by name", {}, async (gantry) => {
  const traps = signals.map((name) => `trap 'echo got ${name}' ${name}`).join("; ");
  await using program = gantry.startRun(["--name", "traps", ...sh(`${traps}; echo up; while :; do sleep 0.05; done`)]);
  await program.untilOut(/up/);
  for (const name of signals) {
    program.signal(`SIG${name}`);
    await program.untilOut(new RegExp(`got ${name}\\n`));
  }
  assert.equal((await gantry.gantry(["rm", "-f", "traps"])).code, 0);
  assert.equal((await program.ended()).code, 137);
});

gantryTest("T05 a signal that comes while the program starts is the program's", {}, async (gantry) => {
  for (let round = 0; round < 6; round++) {
    await using program = gantry.startRun(["--rm", ...sh("trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done")]);
    await program.untilOut(/up/);
    program.signal("SIGTERM");
    assert.equal((await program.ended()).code, 5);
  }
});

gantryTest("T05 the third INT frees the terminal and leaves the container", {}, async (gantry) => {
  const script = "trap '' INT; echo up; while :; do sleep 0.1; done";
  await using program = gantry.startRun(["--name", "deaf", ...sh(script)]);
  await program.untilOut(/up/);
  // Spaced, for the kernel makes one of several that are pending.
  const end = await eventually(async () => {
    program.signal("SIGINT");
    return await program.ended(200).catch(() => undefined);
  }, { what: "the third one to free the terminal" });
  assert.equal(end.code, 1, end.err);
  assert.match(end.err, /container deaf goes on/);
  assert.match((await gantry.gantry(["ps"])).out, /Up .*deaf/);
  assert.equal((await gantry.gantry(["rm", "-f", "deaf"])).code, 0);
});

gantryTest(
  "T05 without --sig-proxy a signal ends gantry and not the container",
  { versions: ["1.7"] },
  async (gantry) => {
    await using program = gantry.startRun(["--name", "calm", "--sig-proxy=false", ...sh("echo up; sleep 100")]);
    await program.untilOut(/up/);
    program.signal("SIGTERM");
    const end = await program.ended();
    assert.deepEqual([end.code, end.out], [143, "up\n"]);
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
