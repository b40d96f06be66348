import assert from "node:assert/strict";
import { inspectContainer } from "../../../lib/engine/inspect/inspect.ts";
import type { HostConfig } from "../../../lib/engine/inspect/host_config_document.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { test } from "../../support/test.ts";
import { builtSpec, factsOf, storedContainer } from "./inspect_fixtures.ts";
import type { InputParts } from "./spec_fixtures.ts";

function hostConfig(parts: InputParts): HostConfig {
  return inspectContainer(factsOf(storedContainer(builtSpec(parts)))).HostConfig;
}

test("namespaces that are shared or joined are told apart from its own", () => {
  const HostConfig = hostConfig({
    options: { pid: "host", ipc: "host", uts: "host", cgroupns: "host", network: "host" },
  });
  assert.deepEqual(
    [HostConfig.PidMode, HostConfig.IpcMode, HostConfig.UTSMode, HostConfig.CgroupnsMode, HostConfig.NetworkMode],
    ["host", "host", "host", "host", "host"],
  );
  const spec: Spec = {
    ...builtSpec(),
    linux: { namespaces: [{ type: "network", path: "/run/netns/a" }, { type: "user" }] },
  };
  const joined = inspectContainer(factsOf(storedContainer(spec))).HostConfig;
  assert.equal(joined.NetworkMode, "ns:/run/netns/a");
  assert.equal(joined.UsernsMode, "private");
});

test("privileged is seen in the spec, and then nothing else is said to be added", () => {
  const HostConfig = hostConfig({
    options: { privileged: true },
    resolved: { hostDevices: [{ path: "/dev/sda", type: "b", major: 8, minor: 0 }] },
  });
  assert.equal(HostConfig.Privileged, true);
  assert.equal(HostConfig.CapAdd, null);
  assert.equal(HostConfig.SecurityOpt, null);
  assert.deepEqual(HostConfig.Devices, []);
  assert.equal(HostConfig.MaskedPaths, null);
  const all = hostConfig({ options: { capAdd: ["ALL"], securityOpt: ["seccomp=unconfined"] } });
  assert.equal(all.Privileged, false);
  assert.ok((all.CapAdd ?? []).includes("CAP_SYS_ADMIN"));
  assert.deepEqual(all.SecurityOpt, ["seccomp=unconfined"]);
  assert.equal((hostConfig({ options: { capDrop: ["ALL"] } }).CapDrop ?? []).length, 14);
});

test("limits are shown in docker's units", () => {
  const limits = hostConfig({
    options: {
      memory: 2 ** 28,
      memorySwap: -1,
      memoryReservation: 2 ** 27,
      cpuShares: 512,
      cpusetCpus: "0-1",
      cpusetMems: "0",
      blkioWeight: 300,
      shmSize: 2 ** 20,
      oomScoreAdj: 250,
      ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }, { name: "core", soft: -1, hard: -1 }],
      sysctls: { "net.core.somaxconn": "1024" },
      cgroupParent: "/batch/night",
    },
  });
  assert.equal(limits.Memory, 2 ** 28);
  assert.equal(limits.MemorySwap, -1);
  assert.equal(limits.MemoryReservation, 2 ** 27);
  assert.equal(limits.CpuShares, 512);
  assert.equal(limits.CpusetCpus, "0-1");
  assert.equal(limits.CpusetMems, "0");
  assert.equal(limits.BlkioWeight, 300);
  assert.equal(limits.ShmSize, 2 ** 20);
  assert.equal(limits.OomScoreAdj, 250);
  assert.deepEqual(limits.Ulimits, [{ Name: "nofile", Hard: 2048, Soft: 1024 }, { Name: "core", Hard: -1, Soft: -1 }]);
  assert.equal(limits.Sysctls["net.core.somaxconn"], "1024");
  assert.equal(limits.CgroupParent, "/batch/night");
  const cpu = (quota: number, period: number) => {
    const spec: Spec = { ...builtSpec(), linux: { resources: { cpu: { quota, period } } } };
    const { NanoCpus, CpuQuota, CpuPeriod } = inspectContainer(factsOf(storedContainer(spec))).HostConfig;
    return [NanoCpus, CpuQuota, CpuPeriod];
  };
  assert.deepEqual(cpu(150_000, 100_000), [1.5e9, 0, 0], "as --cpus sets it");
  assert.deepEqual(cpu(5_000, 20_000), [0, 5_000, 20_000]);
  assert.deepEqual(cpu(-1, 100_000), [0, -1, 100_000]);
});

test("a device that was granted is shown with what may be done with it", () => {
  const HostConfig = hostConfig({
    resolved: {
      devices: [{ device: { path: "/dev/fuse", type: "c", major: 10, minor: 229 }, source: "/dev/fuse", access: "rw" }],
    },
  });
  assert.deepEqual(HostConfig.Devices, [
    { PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rw" },
  ]);
});
