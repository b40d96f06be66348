import assert from "node:assert/strict";
import { filterFacts } from "../../lib/engine/filter_matching.ts";
import { inspectContainer } from "../../lib/engine/inspect/inspect.ts";
import { listProcesses } from "../../lib/engine/process_list.ts";
import { hostMemory } from "../../lib/engine/stats/host_memory.ts";
import { readNetwork } from "../../lib/engine/stats/network.ts";
import type { StatsSample } from "../../lib/engine/stats/sample.ts";
import { watchStats } from "../../lib/engine/stats/watch.ts";
import type { Runtime } from "../../lib/engine/runtime.ts";
import { openRuntime } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

const namespace = "default";

/** A sample of one container, as an engine takes it. */
async function sampleOf({ tasks }: Runtime, id: string, pid: number): Promise<readonly StatsSample[]> {
  const askedAt = performance.now();
  const reading = await tasks.metrics(id, { deadlineMs: 5000 });
  return [{ ...reading, network: readNetwork(pid), askedAt, answeredAt: performance.now() }];
}

async function startDetached(gantry: GantryInstance, args: readonly string[]): Promise<{ id: string; pid: number }> {
  const started = await gantry.gantry(["run", "-d", "--rootfs", gantry.rootfs, ...args]);
  assert.equal(started.code, 0, started.err);
  const id = started.out.trim();
  const pid = await eventually(async () => {
    const line = (await gantry.ctr("tasks", "list")).split("\n").find((each) => each.startsWith(id));
    return Number(line?.split(/\s+/)[1] ?? 0) || undefined;
  }, { what: `a task of ${id}` });
  return { id, pid };
}

/** Text of a file of the container's cgroup; undefined when this host does not have it (it is on cgroup v2). */
async function cgroupFile(pid: number, controller: string, file: string): Promise<string | undefined> {
  const groups = await Deno.readTextFile(`/proc/${pid}/cgroup`);
  const path = groups.split("\n").map((line) => line.split(":")).find(([, name]) => name === controller)?.[2];
  return await Deno.readTextFile(`/sys/fs/cgroup/${controller}${path}/${file}`).catch(() => undefined);
}

gantryTest("T10 the metrics of a paused container are what its cgroup files say", {}, async (gantry) => {
  const script =
    "dd if=/dev/zero of=/tmp/f bs=1M count=8 2>/dev/null; (tail /dev/zero) 2>/dev/null; while :; do :; done";
  const { id, pid } = await startDetached(gantry, [
    "--name",
    "busy",
    "--memory",
    "32m",
    "--cpus",
    "0.3",
    ...sh(script),
  ]);
  await using runtime = openRuntime(gantry);
  const read = async () => (await sampleOf(runtime, id, pid))[0]?.metrics;
  await eventually(async () => ((await read())?.memory?.oomKills ?? 0) > 0, { what: "the kill for want of memory" });
  await gantry.ctr("tasks", "pause", id);
  // The timer of the CPU quota may count one more period of a frozen group, and the kernel gives back memory later.
  const metrics = await eventually(async () => {
    const [first, second] = [await read(), await read()];
    const usage = Number(await cgroupFile(pid, "memory", "memory.usage_in_bytes") ?? second?.memory?.usage);
    return first?.cpu?.periods === second?.cpu?.periods && first?.memory?.usage === usage ? second : undefined;
  }, { what: "counters that stand still", everyMs: 200 });
  assert.equal(metrics.memory?.limit, 32 * 2 ** 20);
  assert.equal(metrics.memory.oomKills, 1);
  assert.ok((metrics.cpu?.periods ?? 0) > 0 && (metrics.pids?.current ?? 0) > 0);
  const usage = await cgroupFile(pid, "cpuacct", "cpuacct.usage");
  if (usage !== undefined) {
    assert.equal(metrics.cpu?.usageNs, Number(usage));
    assert.equal(metrics.memory.usage, Number(await cgroupFile(pid, "memory", "memory.usage_in_bytes")));
    const stat = await cgroupFile(pid, "memory", "memory.stat") ?? "";
    const inactive = Number(/^total_inactive_file (\d+)$/m.exec(stat)?.[1]);
    assert.equal(metrics.memory.workingSet, metrics.memory.usage - inactive);
    const throttled = /^throttled_time (\d+)$/m.exec(await cgroupFile(pid, "cpu", "cpu.stat") ?? "")?.[1];
    assert.equal(metrics.cpu?.throttledNs, Number(throttled));
    assert.equal(metrics.pids?.current, Number(await cgroupFile(pid, "pids", "pids.current")));
  }
  await gantry.ctr("tasks", "resume", id);
  assert.equal((await gantry.gantry(["rm", "-f", "busy"])).code, 0);
});

gantryTest("T10 the first round of stats has the CPU percent of now, not since the start", {}, async (gantry) => {
  // Idle for a while, then busy: an average since the start would be far below.
  const script = "sleep 3; while :; do :; done";
  const { id, pid } = await startDetached(gantry, ["--name", "late", "--cpus", "0.4", ...sh(script)]);
  await using runtime = openRuntime(gantry);
  await eventually(async () => {
    const [sample] = await sampleOf(runtime, id, pid);
    return (sample?.metrics.cpu?.usageNs ?? 0) > 200e6;
  }, { what: "work" });
  const rounds = await Array.fromAsync(
    watchStats(() => sampleOf(runtime, id, pid), { hostMemory: hostMemory(), once: true }),
  );
  const [stats] = rounds[0] ?? [];
  assert.equal(rounds.length, 1);
  assert.equal(stats?.id, id);
  // 40 by the quota; the machine is shared, so it may have got less.
  assert.ok(stats.cpuPercent !== undefined && stats.cpuPercent > 5 && stats.cpuPercent < 60, `${stats.cpuPercent}`);
  // How often depends on how much of the machine it gets.
  assert.ok((stats.throttledPercent ?? 0) > 0, `${stats.throttledPercent}`);
  assert.equal(stats.memory?.limit, hostMemory());
  assert.deepEqual(stats.network, { receivedBytes: 0, sentBytes: 0 });
  assert.equal(stats.oomKills, 0);
  assert.equal((await gantry.gantry(["rm", "-f", "late"])).code, 0);
});

gantryTest("T14 a hung shim does not keep the metrics of another container, asked for by id", {}, async (gantry) => {
  const hung = await startDetached(gantry, ["--name", "hung", ...sh("sleep 1000")]);
  const well = await startDetached(gantry, ["--name", "well", ...sh("sleep 1000")]);
  await using runtime = openRuntime(gantry);
  const shim = await gantry.shimOf(hung.id);
  Deno.kill(shim, "SIGSTOP");
  try {
    const samples = await sampleOf(runtime, well.id, well.pid);
    assert.deepEqual(samples.map(({ id }) => id), [well.id]);
    const [sample] = samples;
    assert.ok(sample !== undefined && sample.answeredAt - sample.askedAt < 2000);
    await assert.rejects(runtime.tasks.metrics(hung.id, { deadlineMs: 1000 }), { code: "deadline_exceeded" });
  } finally {
    Deno.kill(shim, "SIGCONT");
  }
  assert.equal((await gantry.gantry(["rm", "-f", "hung", "well"])).code, 0);
});

gantryTest("a stored container is inspected from its record, and its processes are listed", {}, async (gantry) => {
  const data = `${gantry.directory}/data`;
  await Deno.mkdir(data);
  const args = ["--name", "seen", "-v", `${data}:/data:ro`, "--memory", "64m", "--label", "app=web"];
  const { id, pid } = await startDetached(gantry, [...args, ...sh("sleep 1000 & sleep 1001")]);
  await using runtime = openRuntime(gantry);
  const record = await runtime.records.get(id);
  const document = inspectContainer({
    record,
    namespace,
    socket: runtime.address,
    life: { status: "running", pid },
  });
  assert.equal(document.Name, "/seen");
  assert.deepEqual([document.Path, ...document.Args], ["/bin/sh", "-c", "sleep 1000 & sleep 1001"]);
  assert.deepEqual(document.HostConfig.Binds, [`${data}:/data:ro`]);
  assert.equal(document.HostConfig.Memory, 64 * 2 ** 20);
  assert.equal(document.HostConfig.Privileged, false);
  assert.equal(document.HostConfig.CgroupParent, "/gantry");
  assert.equal(document.Config.Labels.app, "web");
  assert.deepEqual(filterFacts(record), { mounts: [{ source: data, destination: "/data" }], networks: ["none"] });
  const inner = await eventually(async () => {
    const rows = listProcesses(await runtime.tasks.pids(id)).filter(({ command }) => command === "sleep");
    return rows.length === 2 ? rows : undefined;
  }, { what: "both processes" });
  assert.deepEqual(inner.map(({ args }) => args[1]).sort(), ["1000", "1001"]);
  // The shell has become the second sleep, so that one is process 1 of the container.
  assert.deepEqual(inner.map(({ args, innerPid }) => args[1] === "1001" ? innerPid === 1 : innerPid > 1), [true, true]);
  assert.ok(inner.every(({ innerPid, pid: outer, user }) => innerPid < 100 && innerPid !== outer && user === "root"));
  assert.equal((await gantry.gantry(["rm", "-f", "seen"])).code, 0);
});
