import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";

gantryTest("T10 top shows the processes of a container as ps -ef does, by columns, and as JSON", {}, async (gantry) => {
  const run = ["run", "-d", "--name", "web", "-u", "65534", "--rootfs", gantry.rootfs];
  const id = (await gantry.gantry([...run, ...sh("sleep 1000 & exec sleep 2000")])).out.trim();
  const shown = await eventually(async () => {
    const end = await gantry.gantry(["top", "web"]);
    return end.out.split("\n").length === 4 ? end : undefined;
  }, { what: "two processes" });
  assert.deepEqual([shown.code, shown.err], [0, ""]);
  const [header = "", first = "", second = ""] = shown.out.split("\n");
  assert.match(header, /^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
  assert.match(first, /^nobody +\d+ +\d+ +\d+ +\d\d:\d\d +\? +00:00:00 +sleep 2000$/);
  assert.match(second, /^nobody +\d+ +\d+ +\d+ +\d\d:\d\d +\? +00:00:00 +sleep 1000$/);
  const [, pid] = first.split(/\s+/);
  assert.equal(second.split(/\s+/)[2], pid);
  assert.equal((await gantry.onlyRunning()).pid, Number(pid));
  for (
    const words of [["web", "nspid,user,args"], ["web", "-o", "nspid,user", "-o", "args"], [
      "web",
      "nspid",
      "user",
      "args",
    ]]
  ) {
    const columns = await gantry.gantry(["top", ...words]);
    assert.match(columns.out, /^NSPID +USER +COMMAND\n1 +nobody +sleep 2000\n\d+ +nobody +sleep 1000\n$/);
  }
  const json = await gantry.gantry(["top", "--json", id.slice(0, 12), "pid,comm"]);
  const { Titles, Processes } = JSON.parse(json.out);
  assert.deepEqual([Titles, Processes[0]], [["PID", "COMMAND"], [pid, "sleep"]]);
  assert.equal(json.out.split("\n").length, 2);
  await gantry.ctr("tasks", "pause", id);
  assert.equal((await gantry.gantry(["top", "web", "pid"])).out.split("\n").length, 4);
  const wrong = await gantry.gantry(["top", "web", "argz"]);
  assert.deepEqual([wrong.code, wrong.out], [125, ""]);
  assert.match(wrong.err, /there is no column "argz"\nhint: did you mean "?args"?\?/);
  assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
});

gantryTest("top of what does not run, or is not there, says so", {}, async (gantry) => {
  assert.equal((await gantry.gantry(["run", "--name", "over", "--rootfs", gantry.rootfs, ...sh("exit 3")])).code, 3);
  await gantry.ctr("containers", "create", "--rootfs", gantry.rootfs, "stored", "/bin/true");
  for (const name of ["over", "stored"]) {
    const end = await gantry.gantry(["top", name]);
    assert.deepEqual([end.code, end.out], [1, ""], name);
    assert.equal(end.err, `gantry: container ${name} does not run\nhint: start it: gantry start ${name}\n`);
    const json = await gantry.gantry(["top", "--json", name]);
    assert.equal(JSON.parse(json.err).code, "failed_precondition");
  }
  for (const name of ["nope", "f".repeat(64)]) {
    const end = await gantry.gantry(["top", "--json", name]);
    assert.deepEqual([end.code, JSON.parse(end.err).code], [1, "not_found"]);
  }
  assert.equal((await gantry.gantry(["rm", "over", "stored"])).code, 0);
});
