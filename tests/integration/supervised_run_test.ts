import assert from "node:assert/strict";
import { gantryTest, sh } from "../support/gantry.ts";

/** A containerd that hangs is noticed within a second. */
const quick = [
  "--health-interval",
  "200ms",
  "--health-timeout",
  "300ms",
  "--health-failures",
  "2",
  "--stop-timeout",
  "2s",
];

gantryTest("S12 run in the foreground survives a kill -9 of the supervised containerd, with the right exit code", {
  up: [],
}, async (gantry) => {
  await using program = gantry.startRun(["--rm", ...sh("echo before; sleep 2; echo after; exit 42")]);
  await program.untilOut(/before/);
  const { pid } = await gantry.onlyRunning();
  await gantry.containerd.end("SIGKILL");
  await gantry.containerd.start();
  assert.equal((await gantry.onlyRunning()).pid, pid);
  const end = await program.ended();
  assert.deepEqual([end.code, end.out, end.err], [42, "before\nafter\n", ""]);
});

gantryTest("S12 no exit code is lost however often the supervised containerd is killed meanwhile", {
  up: [],
}, async (gantry) => {
  const programs = [11, 12, 13].map((code) =>
    gantry.startRun(["--rm", ...sh(`echo up; sleep 1.${code}; exit ${code}`)])
  );
  try {
    await Promise.all(programs.map((program) => program.untilOut(/up/)));
    await gantry.untilStarted();
    for (let round = 0; round < 3; round++) {
      await gantry.containerd.end("SIGKILL");
      await gantry.containerd.start();
    }
    const ends = await Promise.all(programs.map((program) => program.ended()));
    assert.deepEqual(ends.map(({ code, err }) => [code, err]), [[11, ""], [12, ""], [13, ""]]);
  } finally {
    for (const program of programs) await program[Symbol.asyncDispose]();
  }
});

gantryTest("S13 run survives a supervised containerd that hangs and is replaced", { up: quick }, async (gantry) => {
  await using program = gantry.startRun(["--rm", ...sh("echo before; sleep 3; exit 42")]);
  await program.untilOut(/before/);
  const { pid } = gantry.containerd;
  gantry.containerd.signal("SIGSTOP");
  const end = await program.ended();
  assert.deepEqual([end.code, end.err], [42, ""]);
  await gantry.containerd.start();
  assert.notEqual(gantry.containerd.pid, pid);
});

gantryTest("a command that comes while the supervised containerd is being replaced waits for it", {
  up: [],
}, async (gantry) => {
  await gantry.containerd.end("SIGKILL");
  const end = await gantry.run(sh("exit 5"));
  assert.deepEqual([end.code, end.err], [5, ""]);
  await gantry.containerd.start();
});
