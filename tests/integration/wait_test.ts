import assert from "node:assert/strict";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { assertRpcs } from "../support/rpc_delta.ts";
import { testRuntime } from "../support/test_runtime.ts";
import { untilAsked } from "../support/until_asked.ts";

async function detached(gantry: GantryInstance, name: string, script: string, ...flags: string[]): Promise<string> {
  const { code, out, err } = await gantry.gantry(
    ["run", "-d", "--name", name, ...flags, "--rootfs", gantry.rootfs, ...sh(script)],
  );
  assert.equal(code, 0, err);
  return out.trim();
}

gantryTest("T08 wait tells exit codes in the order given; at once, with the real time, for one that has ended", {
  timeoutMs: 120_000,
}, async (gantry) => {
  const before = Date.now();
  const id = await detached(gantry, "early", "exit 3");
  const first = await gantry.gantry(["wait", "early"]);
  assert.deepEqual([first.code, first.out, first.err], [0, "3\n", ""]);
  const after = Date.now();
  await assertRpcs(gantry, ["Tasks/Wait 1"], async () => {
    const again = await gantry.gantry(["wait", "--json", "early"]);
    const { ExitedAt, ...rest } = JSON.parse(again.out);
    assert.deepEqual(rest, { Container: "early", ID: id, ExitCode: 3, Exact: true });
    const exitedAt = Date.parse(ExitedAt);
    assert.ok(exitedAt >= before && exitedAt <= after, `${ExitedAt} is not when it ended`);
  });

  await detached(gantry, "late", "trap 'exit 5' TERM; while :; do sleep 0.05; done");
  await using waiting = gantry.start(["wait", "late", "nobody", "early"]);
  // What is there at once is told in its turn.
  await assert.rejects(waiting.ended(1000));
  assert.equal(waiting.out, "");
  assert.equal((await gantry.gantry(["stop", "late"])).code, 0);
  const end = await waiting.ended();
  assert.deepEqual([end.code, end.out], [1, "5\n3\n"]);
  assert.match(end.err, /^gantry: no container "nobody"/);
  assert.equal((await gantry.gantry(["wait", "--format", "{{.ExitCode}} {{.Container}}", "late"])).out, "5 late\n");
  assert.equal((await gantry.gantry(["rm", "early", "late"])).code, 0);
});

gantryTest(
  "T08 wait --condition waits for a start, a pause, an end, a removal",
  { timeoutMs: 120_000 },
  async (gantry) => {
    const made = await gantry.gantry(["create", "--name", "web", "--rootfs", gantry.rootfs, ...sh("sleep 1000")]);
    assert.equal(made.code, 0, made.err);
    assert.equal((await gantry.gantry(["wait", "--condition", "created", "web"])).out, "-1\n");
    const unstarted = await gantry.gantry(["wait", "web"]);
    assert.deepEqual([unstarted.code, unstarted.out], [1, ""]);
    assert.match(unstarted.err, /does not run, and has no exit code\nhint: it was never started/);

    const steps = [
      ["running", ["start", "web"], "-1\n"],
      ["paused", ["pause", "web"], "-1\n"],
      ["running,stopped", ["resume", "web"], "-1\n"],
      ["exited", ["kill", "web"], "137\n"],
      ["removed", ["rm", "web"], "137\n"],
    ] as const;
    for (const [condition, command, said] of steps) {
      // By then it has been looked at twice, unless one call waits for it.
      const looks = ["Tasks/Get", "Tasks/Wait", "Containers/Get"];
      const asked = await untilAsked(gantry, looks, { more: condition === "exited" ? 1 : 4 });
      await using waiting = gantry.start(["wait", "--condition", condition, "web"]);
      await asked(waiting);
      assert.ok(waiting.running, `${condition} is not so yet`);
      const end = await gantry.gantry(command);
      assert.equal(end.code, 0, end.err);
      assert.deepEqual([(await waiting.ended(10_000)).code, waiting.out], [0, said], condition);
    }
    const wrong = await gantry.gantry(["wait", "--condition", "stoped", "web"]);
    assert.equal(wrong.code, 125);
    assert.match(wrong.err, /"stoped" is not a condition\nhint: did you mean "stopped"\?/);
  },
);

gantryTest("T08 wait for the removal of a container that goes away by itself tells its exit", {}, async (gantry) => {
  await detached(gantry, "brief", "trap 'exit 6' TERM; while :; do sleep 0.05; done", "--rm");
  const asked = await untilAsked(gantry, ["Tasks/Wait"], { total: 3 });
  await using waiting = gantry.start(["wait", "--condition", "removed", "brief"]);
  await using plain = gantry.start(["wait", "brief"]);
  // The keeper and both.
  await asked(waiting, plain);
  assert.equal((await gantry.gantry(["kill", "-s", "TERM", "brief"])).code, 0);
  assert.deepEqual([(await waiting.ended()).code, waiting.out], [0, "6\n"]);
  assert.deepEqual([(await plain.ended()).code, plain.out], [0, "6\n"]);
});

gantryTest("T08 an exit that nobody saw is said to be a guess", { versions: ["1.7"] }, async (gantry) => {
  const id = await detached(gantry, "shot", "sleep 1000");
  const asked = await untilAsked(gantry, ["Tasks/Wait"], { more: 1 });
  await using waiting = gantry.start(["wait", "shot"]);
  await asked(waiting);
  const shim = await gantry.shimOf(id);
  // Whoever sees it end kills its container, and says 137; a containerd that comes back later does not know.
  const code = testRuntime === "shim" ? 137 : 255;
  if (code === 255) await gantry.containerd.end("SIGKILL");
  Deno.kill(shim, "SIGKILL");
  await gantry.containerd.start();
  const end = await waiting.ended();
  assert.deepEqual([end.code, end.out], [0, `${code}\n`]);
  const warning = `gantry: warning: how container shot ended is not known; ${code} stands for it\n`;
  assert.ok(end.err.includes(warning), end.err);
  assert.equal((await gantry.gantry(["rm", "-f", "shot"])).code, 0);
});

gantryTest("T08 wait is ended by INT, and leaves the container alone", { versions: ["2.1"] }, async (gantry) => {
  await detached(gantry, "calm", "sleep 1000");
  const asked = await untilAsked(gantry, ["Tasks/Wait"], { more: 1 });
  await using waiting = gantry.start(["wait", "calm"]);
  await asked(waiting);
  waiting.signal("SIGINT");
  assert.equal((await waiting.ended()).code, 130);
  assert.match((await gantry.gantry(["ps"])).out, /calm/);
  assert.equal((await gantry.gantry(["rm", "-f", "calm"])).code, 0);
});
