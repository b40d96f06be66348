import assert from "node:assert/strict";
import { planContainer } from "../../lib/mod.ts";
import type { StdioPaths } from "../../lib/wire/task.ts";
import { openEngine, openRuntime } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

/** The issue's; what it takes is a fraction of it. */
const limitMs = 15_000;

/** Starts a container in the background. */
async function detached(gantry: GantryInstance, name: string, script = "sleep 1000"): Promise<string> {
  const { code, out, err } = await gantry.gantry(
    ["run", "-d", "--name", name, "--rootfs", `${gantry.rootfs}:O`, ...sh(script)],
  );
  assert.equal(code, 0, err);
  return out.trim();
}

/** Removes it by force; in time, without a word, and with everything. */
async function removed(gantry: GantryInstance, reference: string): Promise<void> {
  const end = await gantry.gantry(["rm", "-f", reference]);
  assert.deepEqual([end.code, end.out, end.err], [0, `${reference}\n`, ""]);
  assert.ok(end.ms < limitMs, `it took ${end.ms} ms`);
  await gantry.assertEmpty();
}

/** Makes the task of a container, and does not start it; the id. */
async function createdOnly(gantry: GantryInstance): Promise<string> {
  await using engine = await openEngine(gantry);
  const request = { rootfs: { path: gantry.rootfs, overlay: false }, command: ["/bin/sleep", "1000"] };
  const plan = await planContainer(request, { instance: engine.instance, namespace: "default", detached: true });
  const { stdoutLog: stdout, stderrLog: stderr } = plan.paths;
  const stdio: StdioPaths = { stdin: "", stdout, stderr, terminal: false };
  await engine.reserve(plan);
  await engine.store(plan);
  await engine.create(plan, stdio);
  await engine.settle(plan.id);
  return plan.id;
}

gantryTest(
  "T11 rm -f ends what runs, is paused, has ended, or was never started",
  { timeoutMs: 180_000 },
  async (gantry) => {
    await detached(gantry, "running", "trap '' TERM INT; sleep 1000 & while :; do sleep 1; done");
    await removed(gantry, "running");

    await detached(gantry, "paused");
    assert.equal((await gantry.gantry(["pause", "paused"])).code, 0);
    await removed(gantry, "paused");

    await detached(gantry, "ended", "exit 3");
    assert.equal((await gantry.gantry(["wait", "ended"])).out, "3\n");
    await removed(gantry, "ended");

    const stored = await gantry.gantry(["create", "--name", "stored", "--rootfs", gantry.rootfs, ...sh("exit 3")]);
    assert.equal(stored.code, 0, stored.err);
    await removed(gantry, "stored");

    const created = await createdOnly(gantry);
    assert.match(await gantry.ctr("tasks", "list"), /CREATED/);
    await removed(gantry, created);
  },
);

gantryTest("T11 rm -f ends a task whose record is gone", { timeoutMs: 120_000 }, async (gantry) => {
  for (const pause of [false, true]) {
    const id = await detached(gantry, "bare");
    if (pause) assert.equal((await gantry.gantry(["pause", "bare"])).code, 0);
    await using runtime = openRuntime(gantry);
    await runtime.records.delete(id);
    await removed(gantry, id);
  }
});

gantryTest("T11 rm -f ends a container whose shim was killed", { timeoutMs: 120_000 }, async (gantry) => {
  const seen = await detached(gantry, "seen");
  Deno.kill(await gantry.shimOf(seen), "SIGKILL");
  await removed(gantry, "seen");
});

gantryTest("T11 rm -f ends a container whose shim was killed while containerd was away", {
  needs: "containerd",
}, async (gantry) => {
  const unseen = await detached(gantry, "unseen");
  const shim = await gantry.shimOf(unseen);
  await gantry.containerd.end("SIGKILL");
  Deno.kill(shim, "SIGKILL");
  await gantry.containerd.start();
  await removed(gantry, "unseen");
});

gantryTest("T11 rm -f ends a container whose shim hangs, and nobody else's", { timeoutMs: 180_000 }, async (gantry) => {
  const other = await detached(gantry, "other");
  for (const state of ["running", "paused", "ended"]) {
    const id = await detached(gantry, "hung", state === "ended" ? "exit 4" : "sleep 1000");
    if (state === "paused") assert.equal((await gantry.gantry(["pause", "hung"])).code, 0);
    if (state === "ended") assert.equal((await gantry.gantry(["wait", "hung"])).out, "4\n");
    Deno.kill(await gantry.shimOf(id), "SIGSTOP");
    const end = await gantry.gantry(["rm", "-f", "hung"]);
    assert.deepEqual([end.code, end.out, end.err], [0, "hung\n", ""], state);
    assert.ok(end.ms < limitMs, `${state}: it took ${end.ms} ms`);
    await eventually(async () => (await gantry.remains()).every((line) => !line.includes(id)), {
      what: `nothing of the one that was ${state}`,
      withinMs: 5000,
    });
  }
  assert.deepEqual(await gantry.containers(), [other]);
  assert.match(await gantry.ctr("tasks", "list"), new RegExp(`${other}.*RUNNING`));
  await removed(gantry, "other");
});

gantryTest("T11 rm -f ends a shim that hung while containerd started, which containerd has forgotten", {
  needs: "containerd",
  timeoutMs: 120_000,
}, async (gantry) => {
  const id = await detached(gantry, "lost");
  const shim = await gantry.shimOf(id);
  await gantry.containerd.end("SIGKILL");
  Deno.kill(shim, "SIGSTOP");
  await gantry.containerd.start();
  await removed(gantry, "lost");
});

gantryTest("T11 rm without -f refuses what runs, and says what to do", { versions: ["2.1"] }, async (gantry) => {
  const id = await detached(gantry, "busy");
  const refused = await gantry.gantry(["rm", "busy"]);
  assert.deepEqual([refused.code, refused.out], [1, ""]);
  assert.equal(
    refused.err,
    `gantry: container ${id} still runs\nhint: stop it first, or remove it by force: gantry rm -f ${id.slice(0, 12)}\n`,
  );
  await detached(gantry, "other");
  const mixed = await gantry.gantry(["rm", "-f", "busy", "nobody", "other"]);
  assert.deepEqual(
    [mixed.code, mixed.out, mixed.err],
    [0, "busy\nother\n", ""],
    "-f does not mind that one is missing",
  );
  const missing = await gantry.gantry(["rm", "nobody"]);
  assert.deepEqual([missing.code, missing.out], [1, ""]);
  assert.match(missing.err, /^gantry: no container "nobody" in namespace default\nhint: /);
});

gantryTest("T11 rm --all removes all, with -f also those that run", { versions: ["1.6"] }, async (gantry) => {
  await detached(gantry, "one");
  await detached(gantry, "two", "exit 0");
  assert.equal((await gantry.gantry(["wait", "two"])).out, "0\n");
  const some = await gantry.gantry(["rm", "--all"]);
  assert.equal(some.code, 1);
  assert.match(some.err, /still runs/);
  assert.equal((await gantry.containers()).length, 1);
  assert.equal((await gantry.gantry(["rm", "-fa"])).code, 0);
  for (const args of [["rm"], ["rm", "-a", "one"]]) {
    const wrong = await gantry.gantry(args);
    assert.deepEqual([wrong.code, wrong.out], [125, ""]);
    assert.match(wrong.err, /no CONTAINER given|--all and "one" exclude each other/);
  }
  assert.deepEqual(await gantry.remains(), []);
});
