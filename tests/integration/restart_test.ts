import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";
import { create, logOf, transcript } from "../support/stored.ts";

gantryTest(
  "restart stops and starts, starts what has ended, and refuses one that goes away by itself",
  {},
  async (gantry) => {
    const id = await create(gantry, [
      "--name",
      "web",
      ...sh("trap 'echo bye; exit 0' TERM; echo hi; sleep 1000 & wait"),
    ]);
    assert.deepEqual(await transcript(gantry, "restart", "web"), [0, "web\n", ""]);
    const first = await gantry.onlyRunning();
    await eventually(async () => await logOf(gantry, id) === "hi\n", { what: "its first word" });
    assert.deepEqual(await transcript(gantry, "restart", "-t", "60", "web"), [0, "web\n", ""]);
    const second = await gantry.onlyRunning();
    assert.notEqual(second.pid, first.pid);
    await eventually(async () => await logOf(gantry, id) === "hi\nbye\nhi\n", { what: "what it says twice" });
    assert.deepEqual(await transcript(gantry, "restart", "-t", "0", "--signal", "USR1", "web", "nope"), [
      1,
      "web\n",
      'gantry: no container "nope" in namespace default\nhint: `gantry ps -a` lists them all; --namespace looks elsewhere\n',
    ]);
    assert.notEqual((await gantry.onlyRunning()).pid, second.pid);
    assert.equal((await gantry.gantry(["restart", "--signal", "NOPE", "web"])).code, 125);
    assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
    await create(gantry, ["--rm", "--name", "gone", "--", "true"]);
    assert.deepEqual(await transcript(gantry, "restart", "gone"), [
      1,
      "",
      "gantry: container gone is removed when it ends: it was made with --rm\nhint: make it without --rm to restart it\n",
    ]);
    assert.equal((await gantry.gantry(["rm", "gone"])).code, 0);
  },
);

gantryTest("restart takes a container from whoever attends to it, with its open stdin", {}, async (gantry) => {
  await using program = gantry.startRun(["-i", "--name", "mine", ...sh("echo up; cat")], { stdin: "piped" });
  await program.untilOut(/up\n/);
  assert.deepEqual(await transcript(gantry, "restart", "-t", "0", "mine"), [0, "mine\n", ""]);
  assert.equal((await program.ended()).code, 137);
  const { id } = await gantry.onlyRunning();
  const fifo = `${gantry.state}/containers/default/${id}/stdin`;
  assert.equal((await Deno.stat(fifo)).isFifo, true, "the one who left has not taken it along");
  await gantry.bash(`echo hello >${fifo}`);
  await eventually(async () => await logOf(gantry, id) === "up\nhello\n", { what: "what it reads" });
  assert.equal((await gantry.gantry(["rm", "-f", "mine"])).code, 0);
});
