import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import type { ShimTasks } from "../../lib/shim/shim_tasks.ts";
import { eventually } from "../support/eventually.ts";
import { noStdio, type ShimSetting, shimTest } from "./shim_setting.ts";
import { forever, remove } from "./shim_steps.ts";

loadLibc();

/** Makes a task whose `runc start` was killed: it had taken the program's word, and perhaps removed the FIFO. */
async function startedHalf(setting: ShimSetting, tasks: ShimTasks, at: "read" | "removed"): Promise<string> {
  const containerId = await setting.define(forever);
  const { pid } = await tasks.create({ containerId, rootfs: [], stdio: noStdio });
  const path = `/run/containerd/runc/${setting.namespace}/${containerId}/exec.fifo`;
  assert.equal(await Deno.readTextFile(path), "0");
  if (at === "removed") await Deno.remove(path);
  await eventually(async () => /^(sh|sleep)\n/.test(await Deno.readTextFile(`/proc/${pid}/comm`)), {
    what: "the container's program",
  });
  assert.equal((await tasks.state({ containerId })).status, "created", "what its shim thinks");
  return containerId;
}

for (const at of ["read", "removed"] as const) {
  shimTest(`D02 a start that was cut off with the FIFO ${at} is finished by the next`, async (setting) => {
    using tasks = setting.tasks();
    const containerId = await startedHalf(setting, tasks, at);
    const { pid } = await tasks.start({ containerId }, { deadlineMs: 20_000 });
    const state = await tasks.state({ containerId });
    assert.deepEqual([state.status, state.pid], ["running", pid]);
    await tasks.pause(containerId);
    await tasks.resume(containerId);
    await assert.rejects(tasks.start({ containerId }), { code: "failed_precondition" });
    await remove(tasks, containerId);
  });

  shimTest(`D02 a start that was cut off with the FIFO ${at} is finished by who comes next`, async (setting) => {
    const first = setting.tasks();
    const containerId = await startedHalf(setting, first, at);
    first[Symbol.dispose]();
    using tasks = setting.tasks();
    const [found] = await tasks.reconnect();
    assert.equal(found?.kind === "task" ? found.state.status : found?.kind, "running");
    await remove(tasks, containerId);
  });
}

shimTest("D02 who comes next does not start what was only created", async (setting) => {
  using tasks = setting.tasks();
  const containerId = await setting.define("exit 6");
  await tasks.create({ containerId, rootfs: [], stdio: noStdio });
  using others = setting.tasks();
  const [found] = await others.reconnect();
  assert.equal(found?.kind === "task" ? found.state.status : found?.kind, "created");
  await others.start({ containerId });
  assert.equal((await others.wait({ containerId })).code, 6);
  await others.delete({ containerId });
});
