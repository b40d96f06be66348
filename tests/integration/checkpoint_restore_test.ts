import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { GantryInstance, sh } from "../support/gantry.ts";
import { assertRpcs } from "../support/rpc_delta.ts";
import { containerdVersion } from "../support/versions.ts";
import {
  assertCounts,
  checkpointTest,
  countsOn,
  did,
  numbers,
  removeAll,
  start,
  states,
} from "./checkpoint_setting.ts";

checkpointTest(
  "C01 a counter is checkpointed while it goes on and to its end, and is restored in place and as new ones, several times",
  {},
  async (gantry) => {
    const id = await start(gantry, { name: "web" });
    // T15: one RPC, for a container on a directory.
    await assertRpcs(gantry, ["Tasks/Checkpoint 1"], async () => {
      assert.equal(await did(gantry, "checkpoint", "--leave-running", "-n", "first", "web"), "first\n");
    });
    const atFirst = (await numbers(gantry.root, id)).length;
    await countsOn(gantry, id);
    const name = (await did(gantry, "checkpoint", "web")).trim();
    assert.match(name, /^\d{8}T\d{6}\.\d{3}Z$/);
    assert.deepEqual(await states(gantry), { web: "exited" });
    assert.equal(await did(gantry, "ps", "-a", "--format", "{{.ExitCode}}"), "137\n");
    const atEnd = await numbers(gantry.root, id);
    // In place, from the newest: as if nothing had been.
    assert.equal(await did(gantry, "restore", "web"), "web\n");
    assertCounts(await countsOn(gantry, id), 1);
    // As new ones, from both.
    for (const [copy, from, most] of [["aa", "first", atFirst], ["bb", "first", atFirst], ["cc", name, atEnd.length]]) {
      const other = (await did(gantry, "restore", "-n", String(copy), "--checkpoint", String(from), "web")).trim();
      const all = await countsOn(gantry, other);
      assertCounts(all, all[0] ?? 0);
      assert.ok((all[0] ?? 0) > 1 && (all[0] ?? 0) <= Number(most) + 1, `${copy} began with ${all[0]} of ${most}`);
    }
    assert.deepEqual(await states(gantry), { web: "running", aa: "running", bb: "running", cc: "running" });
    const refused = await gantry.gantry(["restore", "web"]);
    assert.deepEqual([refused.code, refused.out], [1, ""]);
    assert.match(refused.err, /container web runs already/);
    await removeAll(gantry);
  },
);

checkpointTest(
  "C02 a container with changes of its root filesystem is exported, and goes on with a second state and data directory",
  {},
  async (gantry) => {
    const script = `echo mine >/mine; rm /etc/group; ${"i=0; while :; do i=$((i+1)); echo $i; sleep 0.03; done"}`;
    const id = await start(gantry, { name: "web", overlay: true, script, flags: ["--add-host", "db=10.0.0.1"] });
    const file = `${gantry.directory}/web.tar.zst`;
    assert.equal(await did(gantry, "checkpoint", "--export", file, "web"), `${file}\n`);
    assert.equal(await did(gantry, "checkpoints", "ls", "-q"), "", "nothing is kept beside the file");
    const at = (await numbers(gantry.root, id)).length;
    assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    await did(gantry, "rm", "web");
    const where = ["--root", `${gantry.directory}/r2`, "--state", `${gantry.directory}/s2`];
    for (const name of ["one", "two"]) {
      const other = (await did(gantry, ...where, "restore", "-i", file, "-n", name)).trim();
      const all = await countsOn({ root: gantry.rootIn(`${gantry.directory}/r2`) }, other);
      assertCounts(all, at + 1);
      const root = `/proc/${await did(gantry, ...where, "inspect", "--format", "{{.State.Pid}}", name)}`.trim() +
        "/root";
      assert.equal(await Deno.readTextFile(`${root}/mine`), "mine\n");
      assert.match(await Deno.readTextFile(`${root}/etc/hosts`), /10\.0\.0\.1\tdb/);
      await assert.rejects(Deno.stat(`${root}/etc/group`), Deno.errors.NotFound);
    }
    assert.equal(await did(gantry, ...where, "checkpoints", "ls", "-q"), "", "an import is not kept");
    await did(gantry, ...where, "rm", "-f", "one", "two");
  },
);

checkpointTest(
  "C02 an exported container goes on with another containerd on another root filesystem; its options go with it",
  { versions: ["1.6"] },
  async (gantry) => {
    const id = await start(gantry, { name: "web", overlay: true, flags: ["--label", "a=b", "--memory", "64m"] });
    const file = `${gantry.directory}/web.tar`;
    await did(gantry, "checkpoint", "-e", file, "-n", "kept", "web");
    assert.equal(await did(gantry, "checkpoints", "ls", "-q"), "kept\n");
    const at = (await numbers(gantry.root, id)).length;
    await using other = await GantryInstance.open(containerdVersion("2.1"));
    await did(gantry, "rm", "web");
    // The old one is not on "this host".
    await Deno.rename(gantry.rootfs, `${gantry.rootfs}.away`);
    const missing = await other.gantry(["restore", "-i", file]);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /root filesystem .* is not on this host\nhint: .*--rootfs/);
    await other.assertEmpty();
    const newId = (await did(other, "restore", "-i", file, "--rootfs", `${other.rootfs}:O`)).trim();
    assertCounts(await countsOn(other, newId), at + 1);
    assert.equal(await did(other, "ps", "--format", "{{.Names}}"), "web\n");
    assert.match(await did(other, "ps", "--format", "{{.Labels}}"), /a=b/);
    await removeAll(other);
    await other.assertEmpty();
  },
);

checkpointTest(
  "C02 a file that is cut or no checkpoint is refused, and leaves nothing",
  { versions: ["1.7"] },
  async (gantry) => {
    await start(gantry, { name: "web" });
    const file = `${gantry.directory}/web.tar`;
    await did(gantry, "checkpoint", "-e", file, "web");
    await did(gantry, "rm", "web");
    const whole = await Deno.readFile(file);
    await Deno.writeFile(file, whole.subarray(0, Math.floor(whole.length * 0.6)));
    const cut = await gantry.gantry(["restore", "-i", file]);
    assert.deepEqual([cut.code, cut.out], [1, ""]);
    await Deno.writeTextFile(file, "hello");
    const none = await gantry.gantry(["restore", "-i", file]);
    assert.ok(none.code !== 0 && none.err !== "", none.err);
    await gantry.assertEmpty();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${gantry.root}/checkpoints/default`)), []);
  },
);

checkpointTest("a container that went away by itself goes on under its name", { versions: ["2.1"] }, async (gantry) => {
  const id = await start(gantry, { name: "web", flags: ["--rm"], overlay: true });
  await did(gantry, "checkpoint", "web");
  await eventually(async () => (await gantry.containers()).length === 0, { what: "its removal" });
  const next = (await did(gantry, "restore", "web")).trim();
  assert.notEqual(next, id);
  assert.ok(((await countsOn(gantry, next))[0] ?? 0) > 1);
  await gantry.gantry(["rm", "-f", "web"]);
  await gantry.assertEmpty();
});

checkpointTest(
  "an attended container ends with its checkpoint, and goes on with its log files",
  { versions: ["1.7"] },
  async (gantry) => {
    await using running = gantry.startRun([
      "--name",
      "web",
      ...sh("i=0; while :; do i=$((i+1)); echo $i; sleep 0.03; done"),
    ]);
    await running.untilOut(/^5$/m);
    await did(gantry, "checkpoint", "web");
    const { code, out } = await running.ended();
    assert.equal(code, 137);
    const last = Number(out.trim().split("\n").at(-1));
    await did(gantry, "restore", "web");
    const { id } = await gantry.onlyRunning();
    assertCounts(await countsOn(gantry, id), last + 1);
    await removeAll(gantry);
  },
);
