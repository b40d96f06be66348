/** `--timeout`: who kills a container whose time is over, and what is left of it. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

/** Deaf to polite signals, with a child that holds the output open. */
const deaf = "trap '' TERM INT; sleep 1000 & echo ready; while :; do sleep 1; done";

async function rowOf(gantry: GantryInstance, name: string): Promise<Record<string, unknown> | undefined> {
  const { out } = await gantry.gantry(["ps", "-a", "--json"]);
  return out.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
    .find(({ Names }) => Names === name);
}

gantryTest("run --timeout kills what runs too long: 137, with a word on stderr", {}, async (gantry) => {
  const end = await gantry.run(["--name", "slow", "--timeout", "1500ms", ...sh(deaf)]);
  assert.deepEqual([end.code, end.out], [137, "ready\n"]);
  assert.equal(end.err, "gantry: warning: container slow was killed: its --timeout was over\n");
  assert.ok(end.ms >= 1500, `${end.ms} ms`);
});

gantryTest("run --timeout leaves alone what ends in time, also with 137 of its own", {
  versions: ["1.7"],
}, async (gantry) => {
  const end = await gantry.run(["--timeout", "1h", ...sh("echo done; exit 137")]);
  assert.deepEqual([end.code, end.out, end.err], [137, "done\n", ""]);
  const unlimited = await gantry.run(["--timeout", "0", "--dry-run", "--", "true"]);
  assert.equal(JSON.parse(unlimited.out).labels["gantry/timeout"], undefined);
});

gantryTest("run -d --timeout kills it with nobody there, and the label says so", {}, async (gantry) => {
  const flags = ["--name", "slow", "--timeout", "2s"];
  const started = await gantry.gantry(["run", "-d", ...flags, "--rootfs", gantry.rootfs, ...sh(deaf)]);
  assert.deepEqual([started.code, started.err], [0, ""]);
  const running = await rowOf(gantry, "slow");
  assert.match(String(running?.Labels), /(^|,)gantry\/timeout=2s(,|$)/);
  const ended = await eventually(async () => {
    const row = await rowOf(gantry, "slow");
    return row?.State === "exited" ? row : undefined;
  }, { what: "its end" });
  assert.equal(ended.ExitCode, 137);
  assert.equal((await gantry.gantry(["rm", "slow"])).code, 0);
});

gantryTest("run -d --rm --timeout removes it when its time is over", {}, async (gantry) => {
  const flags = ["-d", "--rm", "--timeout", "1s", "--rootfs", gantry.rootfs];
  const started = await gantry.gantry(["run", ...flags, ...sh(deaf)]);
  assert.deepEqual([started.code, started.err], [0, ""]);
  await eventually(async () => (await gantry.containers()).length === 0, { what: "its removal" });
});

gantryTest("run --timeout is enforced after the user has given up on the container", {
  versions: ["1.6", "2.1"],
}, async (gantry) => {
  await using program = gantry.startRun(["--name", "left", "--timeout", "3s", ...sh(deaf)]);
  await program.untilOut(/ready\n/);
  const end = await eventually(async () => {
    program.signal("SIGINT");
    return await program.ended(150).catch(() => undefined);
  }, { what: "the third INT to free the terminal" });
  assert.equal(end.code, 1, end.err);
  assert.equal((await rowOf(gantry, "left"))?.State, "running");
  await eventually(async () => (await rowOf(gantry, "left"))?.State === "exited", { what: "its end" });
  assert.equal((await gantry.gantry(["rm", "left"])).code, 0);
});

gantryTest("run --timeout is enforced by a containerd that was away when the time was over", {
  needs: "containerd",
}, async (gantry) => {
  await using program = gantry.startRun(["--rm", "--timeout", "1s", ...sh(deaf)]);
  await program.untilOut(/ready\n/);
  await gantry.untilStarted();
  const ready = performance.now();
  await gantry.containerd.end("SIGKILL");
  await eventually(() => performance.now() > ready + 1500, { what: "that its time is over" });
  await gantry.containerd.start();
  const end = await program.ended();
  assert.equal(end.code, 137, end.err);
});
