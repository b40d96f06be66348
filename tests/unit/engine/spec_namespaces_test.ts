import assert from "node:assert/strict";
import type { ContainerOptions } from "../../../lib/engine/container_options.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { cgroupsPathOf } from "../../../lib/engine/spec/cgroup_path.ts";
import { isolationOf, isolationOfSpec, namespacesOf } from "../../../lib/engine/spec/namespaces.ts";
import { assertSysctls } from "../../../lib/engine/spec/sysctls.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { test } from "../../support/test.ts";
import { containerOptions, fullHost, gantryError, type InputParts, sampleId, specInput } from "./spec_fixtures.ts";

const v1 = { cgroup: { ...fullHost.cgroup, mode: "v1" as const } };

function specOf(parts: InputParts = {}): Spec {
  return buildSpec(specInput(parts)).spec;
}

function namespaceTypes(options: Partial<ContainerOptions>, host: InputParts["host"] = {}): readonly string[] {
  return (specOf({ options, host }).linux?.namespaces ?? []).map(({ type }) => type);
}

test("namespaces are the container's own unless the host's are asked for", () => {
  assert.deepEqual(namespaceTypes({}), ["mount", "network", "uts", "pid", "ipc", "cgroup"]);
  assert.deepEqual(namespaceTypes({ pid: "host" }), ["mount", "network", "uts", "ipc", "cgroup"]);
  assert.deepEqual(namespaceTypes({ ipc: "host" }), ["mount", "network", "uts", "pid", "cgroup"]);
  assert.deepEqual(namespaceTypes({ uts: "host" }), ["mount", "network", "pid", "ipc", "cgroup"]);
  assert.deepEqual(namespaceTypes({ cgroupns: "host" }), ["mount", "network", "uts", "pid", "ipc"]);
  assert.ok(!namespaceTypes({}, v1).includes("cgroup"));
  assert.ok(namespaceTypes({ cgroupns: "private" }, v1).includes("cgroup"));
  assert.throws(
    () => specOf({ options: { cgroupns: "private" }, host: { cgroupNamespaces: false } }),
    gantryError("failed_precondition", /--cgroupns private: this kernel has no cgroup namespaces/),
  );
});

test("with the host's name the runtime is told none, and the variable is the host's", () => {
  const spec = specOf({ options: { uts: "host" } });
  assert.equal(spec.hostname, undefined);
  assert.ok(spec.process?.env?.includes("HOSTNAME=mill"));
  assert.equal(specOf({ options: { network: "host" } }).hostname, "mill");
});

test("with the host's ipc the shared memory is the host's", () => {
  const mount = specOf({ options: { ipc: "host" } }).mounts?.find(({ destination }) => destination === "/dev/shm");
  assert.deepEqual([mount?.type, mount?.source], ["bind", "/dev/shm"]);
});

test("options that need a namespace the container shares are refused", () => {
  const refused: readonly (readonly [InputParts, RegExp])[] = [
    [{ options: { uts: "host", hostname: "x" } }, /--hostname cannot be combined with --uts host/],
    [{ options: { ipc: "host", shmSize: 1e6 } }, /--shm-size cannot be combined with --ipc host/],
    [{ options: { pid: "host" }, resolved: { init: "/i" } }, /--init cannot be combined with --pid host/],
    [{ options: { network: "host", sysctls: { "net.core.somaxconn": "1" } } }, /shares the host's network/],
  ];
  for (const [parts, message] of refused) assert.throws(() => specOf(parts), gantryError("invalid_argument", message));
});

test("a spec file's isolation is that of the namespaces it makes, not of those it joins", () => {
  const namespaces = [{ type: "pid" }, { type: "network", path: "/run/netns/x" }, { type: "ipc", path: "" }];
  const isolation = isolationOfSpec({ ociVersion: "1.0.2", linux: { namespaces } });
  assert.deepEqual(isolation, { pid: true, network: false, ipc: true, uts: false, cgroup: false });
  assert.deepEqual(namespacesOf(isolation).map(({ type }) => type), ["mount", "pid", "ipc"]);
  assert.equal(isolationOfSpec({ ociVersion: "1.0.2" }).pid, false);
});

test("kernel parameters of the container's own namespaces go over docker's defaults", () => {
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "80", "kernel.shmmax": "1", "fs.mqueue.msg_max": "5" };
  assert.deepEqual(specOf({ options: { sysctls } }).linux?.sysctl, {
    "net.ipv4.ping_group_range": "0 2147483647",
    ...sysctls,
  });
  assert.deepEqual(specOf({ options: { network: "host", sysctls: { "kernel.sem": "1 2 3 4" } } }).linux?.sysctl, {
    "kernel.sem": "1 2 3 4",
  });
});

test("a kernel parameter that would change the host is refused, with the reason", () => {
  const own = isolationOf(containerOptions(), fullHost);
  const shared = { network: false, pid: false, ipc: false, uts: false, cgroup: false };
  const namespaced = [
    "net.core.somaxconn",
    "kernel.msgmax",
    "kernel.shm_rmid_forced",
    "fs.mqueue.msg_max",
    "kernel.domainname",
  ];
  for (const name of namespaced) {
    assertSysctls({ [name]: "1" }, own);
    assert.throws(
      () => assertSysctls({ [name]: "1" }, shared),
      gantryError("invalid_argument", /^--sysctl .*shares the host's .*so it would change the host/, /leave it out/),
    );
  }
  for (const name of ["kernel.core_pattern", "vm.swappiness", "fs.file-max", "user.max_user_namespaces", "netx.y"]) {
    assert.throws(
      () => assertSysctls({ [name]: "1" }, own),
      gantryError("invalid_argument", /belongs to no namespace/),
      name,
    );
  }
  assert.throws(
    () => assertSysctls({ "kernel.shmmx": "1" }, own),
    gantryError("invalid_argument", /kernel\.shmmx/, /kernel\.shmmax/),
  );
  assert.throws(
    () => assertSysctls({ "kernel.hostname": "x" }, own),
    gantryError("invalid_argument", /own/, /--hostname/),
  );
  assert.throws(
    () => assertSysctls({ "net/core/x": "1" }, own),
    gantryError("invalid_argument", /slashes/, /net\.core\.x/),
  );
  assert.throws(() => assertSysctls({ "net.core.x": "" }, own), gantryError("invalid_argument", /no value/));
});

test("the cgroup's parent is a path without systemd and a slice with it", () => {
  const cases: readonly (readonly [Parameters<typeof cgroupsPathOf>[1], string])[] = [
    [{}, "/gantry/id"],
    [{ parent: "/a/b" }, "/a/b/id"],
    [{ parent: "a//b/" }, "/a/b/id"],
    [{ parent: "/" }, "/id"],
    [{ driver: "systemd" }, "system.slice:gantry:id"],
    [{ driver: "systemd", parent: "batch-a.slice" }, "batch-a.slice:gantry:id"],
  ];
  for (const [options, path] of cases) assert.equal(cgroupsPathOf("id", options), path);
  const refused: readonly (readonly [Parameters<typeof cgroupsPathOf>[1], RegExp])[] = [
    [{ parent: "" }, /--cgroup-parent "" is not a path/],
    [{ parent: "/a/../b" }, /is not a path/],
    [{ parent: "." }, /is not a path/],
    [{ parent: "a\0" }, /is not a path/],
    [{ parent: "batch.slice" }, /is a systemd slice/],
    [{ parent: "/system.slice/" }, /is a systemd slice/],
    [{ parent: "system.slice:x:y" }, /is a systemd slice/],
    [{ driver: "systemd", parent: "/a" }, /is not a slice/],
    [{ driver: "systemd", parent: "a:b.slice" }, /is not a slice/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => cgroupsPathOf("id", options), gantryError("invalid_argument", message));
  }
  assert.equal(specOf({ options: { cgroupParent: "/mine" } }).linux?.cgroupsPath, `/mine/${sampleId}`);
  assert.equal(
    buildSpec({ ...specInput({ options: { cgroupParent: "a.slice" } }), cgroupDriver: "systemd" }).spec.linux
      ?.cgroupsPath,
    `a.slice:gantry:${sampleId}`,
  );
});
