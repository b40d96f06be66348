/** Limits as the kernel has them, read inside the container. */
import assert from "node:assert/strict";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { applyResources, buildUpdateResources, type UpdateOptions } from "../../lib/engine/spec/update_resources.ts";
import { buildExecProcess } from "../../lib/engine/spec/exec_process.ts";
import type { RunningContainer } from "../support/runc_bundle.ts";
import { ok, sh, specTest } from "../support/spec_container.ts";
import { gantryError } from "../unit/engine/spec_fixtures.ts";

const mib = 2 ** 20;
const host = readHostFacts();
const isUnified = host.cgroup.mode === "v2";

/** The files of a container's cgroup that hold its limits, by what they limit. */
const files = isUnified
  ? {
    memory: "memory.max",
    swap: "memory.swap.max",
    reservation: "memory.low",
    quota: "cpu.max",
    shares: "cpu.weight",
    cpus: "cpuset.cpus",
    mems: "cpuset.mems",
    pids: "pids.max",
  }
  : {
    memory: "memory/memory.limit_in_bytes",
    swap: "memory/memory.memsw.limit_in_bytes",
    reservation: "memory/memory.soft_limit_in_bytes",
    quota: "cpu/cpu.cfs_quota_us",
    shares: "cpu/cpu.shares",
    cpus: "cpuset/cpuset.cpus",
    mems: "cpuset/cpuset.mems",
    pids: "pids/pids.max",
  };

const readLimits = Object.entries(files)
  .map(([name, file]) => `echo ${name}=$(cat /sys/fs/cgroup/${file} 2>/dev/null)`).join(";");

function limitsIn(text: string): Record<string, string> {
  return Object.fromEntries(text.trim().split("\n").map((line) => line.split("=")));
}

/** Runs a shell script in a container, as `gantry exec` would. */
async function execIn(container: RunningContainer, script: string): Promise<string> {
  const options = { command: sh(script), env: [], tty: false };
  const { process } = buildExecProcess({ spec: structuredClone(container.spec), options, host });
  return ok(await container.exec(process));
}

specTest("T10 every limit is in the control groups of the container", async (runner) => {
  const limits = limitsIn(ok(
    await runner.run(runner.options({
      command: sh(readLimits),
      memory: 64 * mib,
      memorySwap: 96 * mib,
      memoryReservation: 32 * mib,
      cpus: 0.5,
      cpuShares: 512,
      cpusetCpus: "0",
      cpusetMems: "0",
      pidsLimit: 20,
    })),
  ));
  assert.deepEqual(limits, {
    memory: String(64 * mib),
    swap: host.cgroup.swap ? String((isUnified ? 32 : 96) * mib) : "",
    reservation: String(32 * mib),
    quota: isUnified ? "50000 100000" : "50000",
    // runc maps 512 of 262144 to 20 of 10000.
    shares: isUnified ? "20" : "512",
    cpus: "0",
    mems: "0",
    pids: "20",
  });
});

specTest("swap may be without limit", async (runner) => {
  if (!host.cgroup.swap) return;
  const options = runner.options({ command: sh(readLimits), memory: 64 * mib, memorySwap: -1 });
  const { swap = "" } = limitsIn(ok(await runner.run(options)));
  assert.ok(isUnified ? swap === "max" : Number(swap) > 2 ** 60, swap);
});

specTest(
  "T10 limits of a running container change, also those it did not have, and its spec remembers them",
  async (runner) => {
    await using container = await runner.start(
      runner.options({ command: ["sleep", "600"], memory: 64 * mib, cpus: 1 }),
    );
    let { spec } = container;
    const update = async (options: UpdateOptions): Promise<Record<string, string>> => {
      const { resources, warnings } = buildUpdateResources(options, { spec, host });
      assert.deepEqual(warnings, []);
      ok(await container.update(resources));
      spec = applyResources(spec, resources);
      return limitsIn(await execIn(container, readLimits));
    };
    const before = limitsIn(await execIn(container, readLimits));
    const swapOf = (sum: number, memory: number): string =>
      host.cgroup.swap ? String((isUnified ? sum - memory : sum) * mib) : "";
    assert.deepEqual([before.memory, before.swap], [String(64 * mib), swapOf(128, 64)]);

    const one = await update({ memory: 96 * mib, cpuShares: 512, pidsLimit: 33 });
    assert.deepEqual([one.memory, one.swap, one.pids], [String(96 * mib), swapOf(128, 96), "33"]);
    assert.equal(one.shares, isUnified ? "20" : "512");
    assert.equal(one.quota, before.quota);

    const two = await update({ memory: 256 * mib, memorySwap: 300 * mib, memoryReservation: 32 * mib, cpus: 0.25 });
    assert.deepEqual([two.memory, two.swap, two.reservation], [String(256 * mib), swapOf(300, 256), String(32 * mib)]);
    assert.equal(two.quota, isUnified ? "25000 100000" : "25000");
    assert.equal(two.shares, one.shares);

    const three = await update({ cpusetCpus: "0", cpusetMems: "0", pidsLimit: -1, cpus: 0, memory: 64 * mib });
    assert.deepEqual([three.cpus, three.mems, three.pids], ["0", "0", "max"]);
    assert.equal(three.quota, isUnified ? "max 100000" : "-1");
    assert.deepEqual([three.memory, three.swap], [String(64 * mib), swapOf(300, 64)]);

    const four = await update({ memory: -1 });
    assert.ok(
      isUnified ? four.memory === "max" && four.swap === "max" : Number(four.memory) > 2 ** 60,
      String(four.memory),
    );
    if (!isUnified && host.cgroup.swap) assert.ok(Number(four.swap) > 2 ** 60, String(four.swap));

    const five = await update({ memory: 32 * mib });
    assert.deepEqual([five.memory, five.swap], [String(32 * mib), swapOf(64, 32)]);
    assert.deepEqual(spec.linux?.resources?.memory, {
      limit: 32 * mib,
      ...(host.cgroup.swap ? { swap: 64 * mib } : {}),
      reservation: 32 * mib,
    });
    assert.deepEqual(spec.linux?.resources?.devices, container.spec.linux?.resources?.devices);
  },
);

specTest(
  "T10 disks are shared by weight where the kernel can, and an error says so where it cannot",
  async (runner) => {
    const options = runner.options({ command: ["sleep", "600"], blkioWeight: 300 });
    if (!host.cgroup.ioWeight) {
      await assert.rejects(
        runner.start(options),
        gantryError("failed_precondition", /--blkio-weight cannot be applied/),
      );
      return;
    }
    await using container = await runner.start(options);
    const read = async (): Promise<string> => {
      const v1 = "cat /sys/fs/cgroup/blkio/blkio.weight || cat /sys/fs/cgroup/blkio/blkio.bfq.weight";
      const v2 = "cat /sys/fs/cgroup/io.bfq.weight || cat /sys/fs/cgroup/io.weight";
      return (await execIn(container, `{ ${isUnified ? v2 : v1}; } 2>/dev/null`)).trim();
    };
    // io.weight has runc's conversion: 1 + (300 - 10) * 9999 / 990.
    assert.ok(["300", "default 300", "default 2930"].includes(await read()), await read());
    ok(await container.update(buildUpdateResources({ blkioWeight: 700 }, { spec: container.spec, host }).resources));
    assert.ok(["700", "default 700", "default 6970"].includes(await read()), await read());
  },
);
