import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";
import { create, logOf, stateOf, transcript, untilState } from "../support/stored.ts";

gantryTest(
  "T13 a start that fails leaves the container stored, without task and FIFO, and its name taken",
  {},
  async (gantry) => {
    const cases = [["nope", 127, /"nope": executable file not found/], [
      "/etc",
      126,
      /"\/etc".*(directory|denied)/,
    ]] as const;
    for (const [program, code, message] of cases) {
      const id = await create(gantry, ["-i", "--name", "bad", "--", program]);
      for (const args of [["bad"], ["-a", "bad"], ["-ai", "bad"]]) {
        const end = await gantry.gantry(["start", ...args]);
        assert.deepEqual([end.code, end.out], [code, ""], end.err);
        assert.match(end.err, message);
        assert.deepEqual(await gantry.containers(), [id]);
        assert.equal(await gantry.ctr("tasks", "list", "--quiet"), "");
        const files = (await gantry.remains()).filter((line) => !line.includes(gantry.root));
        assert.deepEqual(
          files.filter((line) => line.startsWith("/") || line.startsWith("runc")),
          [],
          "FIFOs, runc's state",
        );
      }
      assert.equal(await logOf(gantry, id), "");
      assert.equal(await stateOf(gantry, "bad"), "created");
      const taken = await gantry.gantry(["create", "--name", "bad", "--rootfs", gantry.rootfs, "--", "true"]);
      assert.equal(taken.code, 125);
      assert.match(taken.err, /name bad/);
      assert.equal((await gantry.gantry(["rm", "bad"])).code, 0);
    }
  },
);

gantryTest("T06 several who start one container at once: one does, the others are told", {}, async (gantry) => {
  await create(gantry, ["--name", "one", ...sh("sleep 1000")]);
  const ends = await Promise.all(Array.from({ length: 6 }, () => gantry.gantry(["start", "one"])));
  assert.deepEqual(ends.map(({ code }) => code).sort(), [0, 1, 1, 1, 1, 1], ends.map(({ err }) => err).join(""));
  for (const { code, err } of ends) {
    if (code !== 0) assert.match(err, /^gantry: container one (runs already|is being started by somebody else)/);
  }
  await gantry.onlyRunning();
  assert.equal((await gantry.gantry(["rm", "-f", "one"])).code, 0);
});

gantryTest(
  "a FIFO of a life whose gantry was killed does not keep it from another",
  { versions: ["1.6", "2.1"] },
  async (gantry) => {
    const id = await create(gantry, ["-i", "--name", "again", ...sh("read -r x; exit $x")]);
    await using program = gantry.start(["start", "-ai", "again"], { stdin: "piped" });
    const { pid } = await gantry.onlyRunning();
    program.signal("SIGKILL");
    await program.ended();
    Deno.kill(pid, "SIGKILL");
    await untilState(gantry, "again", "exited");
    assert.equal((await Deno.stat(`${gantry.state}/containers/default/${id}/stdin`)).isFifo, true);
    const end = await gantry.gantry(["start", "-ai", "again"], { stdin: "8\n" });
    assert.deepEqual([end.code, end.err], [8, ""]);
    assert.equal((await gantry.gantry(["rm", "again"])).code, 0);
  },
);

gantryTest("start leaves one alone that somebody else is making or removing", { versions: ["2.1"] }, async (gantry) => {
  const id = await create(gantry, ["--name", "theirs", ...sh("sleep 1000")]);
  const mark = `${gantry.root}/unfinished/default/${id}.${Deno.pid}.1`;
  await Deno.writeTextFile(mark, "");
  assert.deepEqual(await transcript(gantry, "start", "theirs"), [
    1,
    "",
    "gantry: container theirs is being made or removed by somebody else\n" +
    "hint: should whoever does that have died, remove what is left: gantry rm -f theirs\n",
  ]);
  await Deno.remove(mark);
  assert.deepEqual(await transcript(gantry, "start", "theirs"), [0, "theirs\n", ""]);
  assert.equal((await gantry.gantry(["rm", "-f", "theirs"])).code, 0);
});

gantryTest("a start that is killed at any moment can be done again", { versions: ["1.7"] }, async (gantry) => {
  await create(gantry, ["-i", "--name", "hard", ...sh("read -r x; exit $x")]);
  for (const ms of [20, 60, 90, 120, 150, 180, 220, 260]) {
    await using program = gantry.start(["start", "hard"]);
    await new Promise((resolve) => setTimeout(resolve, ms));
    program.signal("SIGKILL");
    await program.ended();
    const restarted = await gantry.gantry(["restart", "-t", "0", "hard"]);
    assert.equal(restarted.code, 0, `killed after ${ms} ms: ${restarted.err}`);
    await gantry.ctr("tasks", "kill", "--signal", "SIGKILL", (await gantry.onlyRunning()).id);
    await untilState(gantry, "hard", "exited");
  }
  const end = await gantry.gantry(["start", "-ai", "hard"], { stdin: "7\n" });
  assert.deepEqual([end.code, end.err], [7, ""]);
  assert.equal((await gantry.gantry(["rm", "hard"])).code, 0);
});

gantryTest(
  "start says what is wrong when the disk is full, and can be done again",
  { versions: ["2.1"] },
  async (gantry) => {
    const disk = `${gantry.directory}/disk`;
    await Deno.mkdir(disk);
    await create(gantry, ["-i", "--name", "full", "--", "cat"]);
    assert.equal((await gantry.bash(`mount -t tmpfs -o size=64k,nr_inodes=2 tmpfs ${disk}`)).code, 0);
    const full = await gantry.gantry(["--state", disk, "start", "full"]);
    assert.deepEqual([full.code, full.out], [1, ""], full.err);
    assert.match(full.err, /ENOSPC\nhint: free some space/);
    assert.equal((await gantry.bash(`umount ${disk}`)).code, 0);
    assert.deepEqual(await transcript(gantry, "start", "full"), [0, "full\n", ""]);
    assert.equal((await gantry.gantry(["rm", "-f", "full"])).code, 0);
  },
);

gantryTest(
  "start says what is wrong when containerd hangs or is away",
  { versions: ["2.1"], needs: "containerd" },
  async (gantry) => {
    await create(gantry, ["-i", "--name", "full", "--", "cat"]);
    gantry.containerd.signal("SIGSTOP");
    await using program = gantry.start(["start", "full"]);
    await eventually(() => program.running, { what: "it to run" });
    program.signal("SIGINT");
    const stopped = await program.ended();
    gantry.containerd.signal("SIGCONT");
    assert.equal(stopped.code, 130, stopped.err);
    await gantry.containerd.end("SIGKILL");
    for (const words of [["start", "full"], ["start", "-a", "full"], ["attach", "full"], ["restart", "full"]]) {
      const away = await gantry.gantry(words);
      assert.deepEqual([away.code, away.out], [125, ""], away.err);
      assert.match(away.err, /containerd/);
    }
    await gantry.containerd.start();
    assert.deepEqual(await transcript(gantry, "start", "full"), [0, "full\n", ""]);
    assert.equal((await gantry.gantry(["rm", "-f", "full"])).code, 0);
  },
);
