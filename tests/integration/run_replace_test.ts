/** `--replace` and `--log`: what becomes of the container before, and of output that nobody attends to. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";
import { exists } from "../support/spec_container.ts";
import { filesOf } from "../support/stored.ts";

gantryTest("run --replace ends and removes the container that has the name", {}, async (gantry) => {
  const { rootfs } = gantry;
  const web = ["--name", "web", "--rootfs", rootfs];
  const first = await gantry.gantry(["run", "-d", ...web, "--", "sleep", "1000"]);
  assert.equal(first.code, 0, first.err);
  const taken = await gantry.gantry(["run", "--rm", ...web, "--", "true"]);
  assert.equal(taken.code, 125);
  assert.match(taken.err, /the name web is in use/);
  const second = await gantry.gantry(["run", "-d", "--replace", ...web, "--", "sleep", "1000"]);
  assert.deepEqual([second.code, second.err], [0, ""]);
  assert.deepEqual(await gantry.containers(), [second.out.trim()]);
  assert.equal(exists(`${gantry.root}/containers/default/${first.out.trim()}`), false);
  // Also one that has ended, and none at all.
  const third = await gantry.gantry(["run", "--replace", ...web, ...sh("exit 3")]);
  assert.deepEqual([third.code, third.err], [3, ""]);
  const fourth = await gantry.gantry(["run", "--replace", "--rm", ...web, ...sh("exit 4")]);
  assert.deepEqual([fourth.code, fourth.err], [4, ""]);
  const fifth = await gantry.gantry(["run", "--replace", "--rm", ...web, ...sh("exit 5")]);
  assert.deepEqual([fifth.code, fifth.err], [5, ""]);
});

gantryTest("run --replace removes nothing that is not of that name, nor before the new one makes sense", {
  versions: ["1.6"],
}, async (gantry) => {
  const { rootfs } = gantry;
  const other = await gantry.gantry(["run", "-d", "--name", "other", "--rootfs", rootfs, "--", "sleep", "1000"]);
  const id = other.out.trim();
  // The start of another's id is a name like any other.
  const start = await gantry.run(["--replace", "--name", id.slice(0, 12), ...sh("exit 2")]);
  assert.deepEqual([start.code, start.err], [2, ""]);
  const wrong = await gantry.run(["--replace", "--name", "other", "-u", "nosuch", ...sh("exit 2")]);
  assert.equal(wrong.code, 125);
  const dry = await gantry.run(["--replace", "--name", "other", "--dry-run", ...sh("exit 2")]);
  assert.equal(dry.code, 0, dry.err);
  assert.deepEqual(await gantry.containers(), [id]);
  assert.equal((await gantry.onlyRunning()).id, id);
  assert.equal((await gantry.gantry(["rm", "-f", "other"])).code, 0);
});

gantryTest("run --replace ends what another gantry attends to", { versions: ["1.7"] }, async (gantry) => {
  await using first = gantry.startRun(["--rm", "--name", "web", ...sh("echo ready; exec sleep 1000")]);
  await first.untilOut(/ready/);
  const second = await gantry.run(["--replace", "--name", "web", ...sh("exit 2")]);
  assert.deepEqual([second.code, second.err], [2, ""]);
  assert.equal((await first.ended()).code, 137);
});

gantryTest("run -d --log none keeps no output, and the label says so", {}, async (gantry) => {
  const { rootfs } = gantry;
  const out = `${gantry.directory}/out`;
  await Deno.mkdir(out);
  const script =
    "one=$(readlink /proc/1/fd/1); two=$(readlink /proc/1/fd/2); echo $one $two >/out/fds; head -c 1000000 /dev/zero; echo written >/out/end; exit 6";
  for (const terminal of [[], ["-t"]]) {
    const flags = ["-d", "--name", "quiet", "--log", "none", ...terminal, "-v", `${out}:/out`, "--rootfs", rootfs];
    const started = await gantry.gantry(["run", ...flags, ...sh(script)]);
    assert.deepEqual([started.code, started.err], [0, ""]);
    await eventually(async () => (await gantry.gantry(["ps", "-a"])).out.includes("Exited (6)"), { what: "its end" });
    assert.equal(await Deno.readTextFile(`${out}/end`), "written\n");
    const streams = await Deno.readTextFile(`${out}/fds`);
    assert.match(streams, terminal.length === 0 ? /^\/dev\/null \/dev\/null\n$/ : /pts/);
    assert.deepEqual(filesOf(gantry, started.out.trim()), ["container.json"]);
    const rows = await gantry.gantry(["ps", "-a", "--json"]);
    assert.match(JSON.parse(rows.out).Labels, /(^|,)gantry\/log=none(,|$)/);
    assert.equal((await gantry.gantry(["rm", "quiet"])).code, 0);
    await Deno.remove(`${out}/end`);
  }
});

gantryTest("run --log none shows its output, and drops what comes after the user has given up", {
  versions: ["2.1"],
}, async (gantry) => {
  const script = "trap '' INT; echo ready; i=0; while :; do i=$((i+1)); echo line $i; done";
  await using program = gantry.startRun(["--name", "loud", "--log", "none", ...sh(script)]);
  await program.untilOut(/ready\n/);
  await eventually(async () => {
    program.signal("SIGINT");
    return await program.ended(150).catch(() => undefined);
  }, { what: "the third INT to free the terminal" });
  const { id, pid } = await gantry.onlyRunning();
  const written = async (): Promise<number> =>
    Number(/^wchar: (\d+)/m.exec(await Deno.readTextFile(`/proc/${pid}/io`))?.[1]);
  const before = await written();
  await eventually(async () => await written() > before + 1_000_000, { what: "that it goes on writing" });
  assert.deepEqual(filesOf(gantry, id), ["container.json", "keeper.log"]);
  assert.equal((await gantry.gantry(["rm", "-f", "loud"])).code, 0);
});
