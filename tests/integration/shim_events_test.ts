import assert from "node:assert/strict";
import { serveShimEvents, type ShimEvent } from "../../lib/shim/event_server.ts";
import { eventually } from "../support/eventually.ts";
import { noStdio, processOf, shimTest } from "./shim_setting.ts";

shimTest("D07 shims tell their events, and tell them again when the server was away", async (setting) => {
  const events: ShimEvent[] = [];
  const path = `${setting.directory}/e`;
  const onEvent = (event: ShimEvent): void => void events.push(event);
  const kinds = (): readonly string[] => events.map(({ kind }) => kind);
  const first = await serveShimEvents(path, { onEvent });
  using tasks = setting.tasks({ events: path });
  const id = await setting.define("sleep 1000");
  await tasks.create({ containerId: id, rootfs: [], stdio: noStdio });
  const { pid } = await tasks.start({ containerId: id });
  await eventually(() => kinds().includes("create") && kinds().includes("start"), { what: "its start" });
  assert.ok(events.every(({ containerId, namespace }) => containerId === id && namespace === setting.namespace));
  await first[Symbol.asyncDispose]();
  events.length = 0;
  // Nobody listens at the socket, which stays: that is what a crash leaves.
  assert.equal((await Deno.lstat(path)).isSocket, true);
  await tasks.kill({ containerId: id }, { signal: 9 });
  const exit = await tasks.wait({ containerId: id });
  await using _second = await serveShimEvents(path, { onEvent });
  await eventually(() => kinds().includes("exit"), { what: "its exit", withinMs: 15_000 });
  const told = events.find(({ kind }) => kind === "exit");
  assert.deepEqual([told?.pid, told?.execId, told?.exit], [pid, undefined, exit]);
  await tasks.delete({ containerId: id });
  // The shim ends with its last task: whether it still tells the delete is a race that 2.1 loses.
});

shimTest("a shim whose event server is away answers its calls as fast as ever", async (setting) => {
  const path = `${setting.directory}/e`;
  await (await serveShimEvents(path, { onEvent: () => {} }))[Symbol.asyncDispose]();
  using tasks = setting.tasks({ events: path });
  const id = await setting.define("sleep 1000");
  await tasks.create({ containerId: id, rootfs: [], stdio: noStdio });
  await tasks.start({ containerId: id });
  let worst = 0;
  // More than the 128 events that a shim holds back.
  for (let n = 0; n < 200; n++) {
    const started = performance.now();
    await tasks.exec({
      process: { containerId: id, execId: `e${n}` },
      spec: processOf(setting, id, ["/bin/true"]),
      stdio: noStdio,
    }, { deadlineMs: 10_000 });
    worst = Math.max(worst, performance.now() - started);
  }
  assert.ok(worst < 2000, `${worst} ms`);
  await tasks.kill({ containerId: id }, { signal: 9 }, { deadlineMs: 10_000 });
  await tasks.wait({ containerId: id }, { deadlineMs: 10_000 });
  await tasks.delete({ containerId: id }, { deadlineMs: 10_000 });
});
