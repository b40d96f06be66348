import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { forceDeleteTask } from "../../../lib/engine/force_delete.ts";
import { test } from "../../support/test.ts";
import { FakeTask } from "./fake_tasks.ts";

const options = { clock: systemClock };

test("T11 a running task is killed with all its processes before it is deleted", async () => {
  const task = new FakeTask("running");
  assert.equal(await forceDeleteTask(task, "c", options), "deleted");
  assert.deepEqual(task.calls, ["state", "kill 9 all", "wait", "delete"]);
});

test("T11 a task that was never started is killed first: deleting it would wait for output that never ends", async () => {
  const task = new FakeTask("created");
  assert.equal(await forceDeleteTask(task, "c", options), "deleted");
  assert.deepEqual(task.calls, ["state", "kill 9 all", "wait", "delete"]);
});

test("T11 a paused task is thawed after the KILL, which stays pending on a frozen one", async () => {
  const task = new FakeTask("paused");
  assert.equal(await forceDeleteTask(task, "c", options), "deleted");
  assert.deepEqual(task.calls, ["state", "kill 9 all", "resume", "wait", "delete"]);
});

test("T11 a task that has ended is deleted without a signal", async () => {
  const task = new FakeTask("running");
  task.end();
  assert.equal(await forceDeleteTask(task, "c", options), "deleted");
  assert.deepEqual(task.calls, ["state", "delete"]);
});

test("T11 a task that is not there, or goes meanwhile, is none", async () => {
  for (const call of ["state", "kill", "delete"]) {
    const task = new FakeTask("running");
    task.failures.set(call, [new GantryError("not_found", "no such task")]);
    if (call === "kill") task.end();
    assert.equal(await forceDeleteTask(task, "c", options), call === "kill" ? "deleted" : "none", call);
  }
});

test("T11 a delete that is refused because the process is not dead yet is tried again", async () => {
  const task = new FakeTask("running");
  task.failures.set("delete", [
    new GantryError("unknown", "cannot delete a running process: unknown"),
    new GantryError("failed_precondition", "task must be stopped"),
  ]);
  assert.equal(await forceDeleteTask(task, "c", options), "deleted");
  assert.equal(task.calls.filter((call) => call === "delete").length, 3);
});

test("T11 a shim that hangs is ended itself, and the task with it", async () => {
  const task = new FakeTask("unknown");
  const ended: string[] = [];
  const endShim = (id: string): Promise<boolean> => {
    ended.push(id);
    task.vanish();
    return Promise.resolve(true);
  };
  assert.equal(await forceDeleteTask(task, "c", { ...options, endShim }), "shim_ended");
  assert.deepEqual([ended, task.calls], [["c"], ["state", "state"]]);
});

test("T11 a shim that hangs and cannot be found is sent the KILL all the same", async () => {
  for (const endShim of [undefined, () => Promise.resolve(false)]) {
    const task = new FakeTask("running");
    // Said with the status, or with an error.
    task.failures.set("state", [new GantryError("unknown", "context deadline exceeded")]);
    assert.equal(await forceDeleteTask(task, "c", { ...options, endShim }), "deleted");
    assert.deepEqual(task.calls, ["state", "kill 9 all", "wait", "state", "delete"]);
  }
});

test("T11 a shim that answers State and nothing else is ended", async () => {
  for (const call of ["kill", "resume", "delete"]) {
    const task = new FakeTask("paused");
    task.failures.set(call, [new GantryError("deadline_exceeded", "took too long")]);
    const endShim = (): Promise<boolean> => {
      task.vanish();
      return Promise.resolve(true);
    };
    assert.equal(await forceDeleteTask(task, "c", { ...options, endShim }), "shim_ended", call);
  }
});

test("T11 a containerd that does not answer in time is an error, and costs no shim its life", async () => {
  const task = new FakeTask("running");
  task.failures.set("state", [new GantryError("deadline_exceeded", "took too long")]);
  const endShim = (): Promise<boolean> => assert.fail("it was ended");
  await assert.rejects(forceDeleteTask(task, "c", { ...options, endShim }), { code: "deadline_exceeded" });
});

test("T11 a containerd that is away is told at once", async () => {
  const task = new FakeTask("running");
  task.failures.set("state", [new GantryError("unavailable", "gone")]);
  await assert.rejects(forceDeleteTask(task, "c", options), { code: "unavailable" });
});

test("T11 an abort ends it", async () => {
  const task = new FakeTask("running");
  // Never ends: the KILL is lost every time.
  task.kill = () => Promise.resolve();
  const aborter = new AbortController();
  const work = forceDeleteTask(task, "c", { ...options, signal: aborter.signal });
  aborter.abort(new GantryError("cancelled", "enough"));
  await assert.rejects(work, { code: "cancelled" });
});
