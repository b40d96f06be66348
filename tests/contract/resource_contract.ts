/** The contract's part about what concerns all processes of a task: freezing, counting, limits. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { createTask, makeExec, refused, wrongState } from "./contract_setting.ts";
import type { Register } from "./task_api_contract.ts";

const forever = ["/bin/sleep", "1000"];
const mebibyte = 1 << 20;

/** Pause and resume, pids, metrics, update. */
export function resourceContract(register: Register): void {
  register("T10 a paused task does nothing until it is resumed", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: ["/bin/sh", "-c", "while :; do echo tick; sleep 0.01; done"] });
    await api.start(task.ref);
    const { containerId } = task.ref;
    await api.pause(containerId);
    assert.equal((await api.state(task.ref)).status, "paused");
    const frozen = await task.out();
    const spec = { execId: "frozen", command: ["/bin/true"] };
    await refused(makeExec(setting, task, spec), ...wrongState);
    await refused(api.delete(task.ref), ...wrongState);
    // What it wrote before is on its way for a moment; nothing follows.
    const later = (await task.out()).length;
    assert.ok(later - frozen.length < 64, `${later - frozen.length} bytes`);
    await api.resume(containerId);
    assert.equal((await api.state(task.ref)).status, "running");
    await refused(api.resume(containerId), ...wrongState);
  });

  register("T10 pids are those of all processes", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever });
    const { pid } = await api.start(task.ref);
    const exec = await makeExec(setting, task, { execId: "other", command: forever });
    const { pid: second } = await api.start(exec.ref);
    assert.deepEqual((await api.pids(task.ref.containerId)).toSorted(), [pid, second].toSorted());
  });

  register("T10 metrics tell what it uses and its limits, and an update sets them", async (setting) => {
    const { api } = setting;
    const task = await createTask(setting, { command: forever, memory: 64 * mebibyte });
    await api.start(task.ref);
    const { containerId } = task.ref;
    // The threads of runc's init, which it was a moment ago, are counted until they are gone.
    const before = await eventually(async () => {
      const reading = await api.metrics(containerId);
      return reading.metrics.pids?.current === 1 && reading;
    }, { what: "a count of 1" });
    assert.equal(before.id, containerId);
    assert.ok((before.metrics.cpu?.usageNs ?? 0) > 0);
    assert.ok((before.metrics.memory?.usage ?? 0) > 0);
    assert.equal(before.metrics.memory?.limit, 64 * mebibyte);
    await api.update(containerId, { memory: { limit: 32 * mebibyte }, pids: { limit: 50 } });
    const after = (await api.metrics(containerId)).metrics;
    assert.deepEqual([after.memory?.limit, after.pids?.limit], [32 * mebibyte, 50]);
  });
}
