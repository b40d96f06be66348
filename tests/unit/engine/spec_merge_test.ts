import assert from "node:assert/strict";
import { buildSpec, type BuiltSpec } from "../../../lib/engine/spec/build.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { test } from "../../support/test.ts";
import { gantryError, type InputParts, sampleId, specInput } from "./spec_fixtures.ts";

const own = ["mount", "pid", "ipc", "uts", "network"].map((type) => ({ type }));
const file: Spec = {
  ociVersion: "1.0.2",
  process: {
    user: { uid: 7, gid: 8, additionalGids: [8] },
    args: ["sleep"],
    cwd: "/",
    rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: 0 }, { type: "RLIMIT_NOFILE", soft: 10, hard: 10 }],
    oomScoreAdj: 5,
  },
  root: { path: "rootfs" },
  hostname: "file",
  mounts: [{ destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "size=1k"] }],
  linux: {
    namespaces: own,
    cgroupsPath: "/theirs",
    resources: { cpu: { quota: 5, period: 10 }, memory: { swappiness: 3 } },
    sysctl: { "net.core.somaxconn": "1", "kernel.sem": "1" },
  },
};

function merged(parts: InputParts = {}, spec: Spec = file): BuiltSpec {
  return buildSpec(specInput({
    ...parts,
    options: { command: [], specFile: "c.json", ...parts.options },
    resolved: { ...parts.resolved, specFile: { path: "c.json", spec } },
  }));
}

test("limits go over those of a spec file, one by one", () => {
  const options = {
    cpuShares: 9,
    blkioWeight: 10,
    ulimits: [{ name: "nofile", soft: 1, hard: 2 }],
    oomScoreAdj: 7,
    shmSize: 4096,
  };
  const { spec } = merged({ options });
  assert.deepEqual(spec.linux?.resources, {
    cpu: { quota: 5, period: 10, shares: 9 },
    memory: { swappiness: 3 },
    blockIO: { weight: 10 },
  });
  assert.deepEqual(spec.process?.rlimits, [
    { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    { type: "RLIMIT_NOFILE", soft: 1, hard: 2 },
  ]);
  assert.equal(spec.process?.oomScoreAdj, 7);
  assert.deepEqual(spec.mounts?.[0]?.options, ["nosuid", "size=4096"]);
  assert.equal(merged().spec.process?.oomScoreAdj, 5);
});

test("groups, kernel parameters and names are added to a spec file, and a parent replaces its cgroup", () => {
  const { spec, files } = merged({
    options: {
      sysctls: { "kernel.sem": "2", "kernel.shmmax": "3" },
      cgroupParent: "/mine",
      addHost: [{ name: "db", address: "::1" }],
      dns: ["::2"],
    },
    resolved: { extraGroups: [50, 8] },
  });
  assert.deepEqual(spec.process?.user, { uid: 7, gid: 8, additionalGids: [8, 50] });
  assert.deepEqual(spec.linux?.sysctl, { "net.core.somaxconn": "1", "kernel.sem": "2", "kernel.shmmax": "3" });
  assert.equal(spec.linux?.cgroupsPath, `/mine/${sampleId}`);
  assert.equal(merged().spec.linux?.cgroupsPath, "/theirs");
  assert.deepEqual(files.map(({ name }) => name), ["resolv.conf", "hosts", "hostname"]);
  assert.match(files[1]?.content ?? "", /127\.0\.0\.1\tfile\n::1\tdb\n$/);
  assert.deepEqual(spec.mounts?.slice(1).map(({ destination }) => destination), [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/hostname",
  ]);
});

test("an init goes before a spec file's own command", () => {
  const { spec } = merged({ resolved: { init: "/usr/bin/tini-static" } });
  assert.deepEqual(spec.process?.args, ["/dev/init", "--", "sleep"]);
  assert.equal(spec.mounts?.at(-1)?.destination, "/dev/init");
});

test("what the namespaces of a spec file do not allow is refused", () => {
  const shared: Spec = { ...file, linux: { namespaces: [{ type: "mount" }] } };
  const refused: readonly (readonly [InputParts, RegExp])[] = [
    [{ options: { hostname: "x" } }, /--hostname: --spec c\.json has no uts namespace/],
    [{ options: { sysctls: { "net.core.somaxconn": "1" } } }, /shares the host's network/],
    [{ options: { sysctls: { "kernel.sem": "1" } } }, /shares the host's ipc namespace/],
    [{ resolved: { init: "/i" } }, /--init cannot be combined with --pid host/],
  ];
  for (const [parts, message] of refused) {
    assert.throws(() => merged(parts, shared), gantryError("invalid_argument", message));
    merged(parts);
  }
  assert.throws(
    () => merged({ options: { shmSize: 1e6 } }, { ...file, mounts: [] }),
    gantryError("invalid_argument", /--shm-size: there is no tmpfs at \/dev\/shm in --spec c\.json/),
  );
});

test("devices and namespaces cannot be combined with a spec file, and the message says which", () => {
  const refused: readonly (readonly [NonNullable<InputParts["options"]>, RegExp])[] = [
    [{ devices: [{ source: "/dev/x", target: "/dev/x", access: "r" }] }, /--device cannot be combined with --spec/],
    [{ pid: "host" }, /--pid cannot/],
    [{ ipc: "private" }, /--ipc cannot/],
    [{ uts: "host" }, /--uts cannot/],
    [{ cgroupns: "host" }, /--cgroupns cannot/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => merged({ options }), gantryError("invalid_argument", message));
  }
});
