import assert from "node:assert/strict";
import type { ContainerOptions } from "../../../lib/engine/container_options.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { defaultCapabilities } from "../../../lib/engine/spec/capability_set.ts";
import { allCapabilities } from "../../../lib/wire/capabilities.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { test } from "../../support/test.ts";
import { fullHost, gantryError, type InputParts, sampleId, specInput } from "./spec_fixtures.ts";

function specOf(parts: InputParts = {}): Spec {
  return buildSpec(specInput(parts)).spec;
}

function namespaceTypes(spec: Spec): readonly string[] {
  return (spec.linux?.namespaces ?? []).map((namespace) => namespace.type);
}

test("X03 without options a container gets docker's default, and no warning", () => {
  const { spec, warnings } = buildSpec(specInput());
  assert.deepEqual(warnings, []);
  assert.deepEqual(spec.process, {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: ["sh"],
    env: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOSTNAME=0123456789ab",
      "HOME=/root",
    ],
    cwd: "/",
    capabilities: {
      bounding: defaultCapabilities,
      effective: defaultCapabilities,
      permitted: defaultCapabilities,
    },
    noNewPrivileges: false,
    oomScoreAdj: 0,
  });
  assert.deepEqual(spec.root, { path: "/srv/rootfs", readonly: false });
  assert.equal(spec.hostname, "0123456789ab");
  assert.equal(spec.linux?.cgroupsPath, `/gantry/${sampleId}`);
  assert.deepEqual(namespaceTypes(spec), ["mount", "network", "uts", "pid", "ipc", "cgroup"]);
  assert.equal(defaultCapabilities.length, 14);
  assert.equal(spec.linux?.seccomp?.defaultAction, "SCMP_ACT_ERRNO");
  assert.deepEqual(spec.linux?.readonlyPaths, [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
  ]);
  for (
    const path of ["/proc/kcore", "/proc/keys", "/proc/interrupts", "/sys/firmware", "/sys/devices/virtual/powercap"]
  ) {
    assert.ok(spec.linux?.maskedPaths?.includes(path), path);
  }
  assert.deepEqual(spec.linux?.sysctl, {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
  });
  assert.deepEqual(spec.linux?.resources?.devices?.[0], { allow: false, access: "rwm" });
});

test("the same input gives the same spec", () => {
  assert.deepEqual(buildSpec(specInput()), buildSpec(specInput()));
});

test("T12 a bad id or namespace never gets into a spec", () => {
  for (const id of ["../x", "a__b", "a".repeat(77)]) {
    assert.throws(() => buildSpec({ ...specInput(), id }), gantryError("invalid_argument", /container id/));
    assert.throws(() => buildSpec({ ...specInput(), namespace: id }), gantryError("invalid_argument", /namespace/));
  }
});

test("on cgroup v1 there is no cgroup namespace, privileged or not", () => {
  const host = { cgroup: { ...fullHost.cgroup, mode: "hybrid" as const } };
  assert.ok(!namespaceTypes(specOf({ host })).includes("cgroup"));
  assert.ok(!namespaceTypes(specOf({ host, options: { privileged: true } })).includes("cgroup"));
});

test("the host's network brings the host's name and files and leaves its sysctls alone", () => {
  const spec = specOf({ options: { network: "host" }, resolved: { hostFiles: ["/etc/resolv.conf", "/etc/hosts"] } });
  assert.ok(!namespaceTypes(spec).includes("network"));
  assert.equal(spec.hostname, "mill");
  assert.ok(spec.process?.env?.includes("HOSTNAME=mill"));
  assert.equal(spec.linux?.sysctl, undefined);
  const files = spec.mounts?.filter((mount) => mount.source?.startsWith("/etc/"));
  assert.deepEqual(files?.map((mount) => mount.options), [["rbind", "ro", "rprivate"], ["rbind", "ro", "rprivate"]]);
  const named = specOf({ options: { network: "host", hostname: "web" } });
  assert.equal(named.hostname, "web");
});

test("a privileged container has everything: capabilities, devices, no filter, nothing masked, /sys writable", () => {
  const device = { path: "/dev/kvm", type: "c", major: 10, minor: 232, fileMode: 0o600, uid: 0, gid: 0 };
  const spec = specOf({ options: { privileged: true }, resolved: { hostDevices: [device] } });
  assert.deepEqual(spec.process?.capabilities?.effective, allCapabilities);
  assert.deepEqual(spec.linux?.devices, [device]);
  assert.deepEqual(spec.linux?.resources?.devices, [{ allow: true, access: "rwm" }]);
  for (const key of ["seccomp", "maskedPaths", "readonlyPaths"] as const) assert.equal(spec.linux?.[key], undefined);
  for (const mount of spec.mounts ?? []) assert.ok(!mount.options?.includes("ro"), mount.destination);
});

test("T04 a terminal has TERM and its size; without one neither is set", () => {
  const consoleSize = { width: 132, height: 43 };
  const spec = specOf({ options: { tty: true, consoleSize } });
  assert.equal(spec.process?.terminal, true);
  assert.deepEqual(spec.process?.consoleSize, { height: 43, width: 132 });
  assert.ok(spec.process?.env?.includes("TERM=xterm"));
  const plain = specOf({ options: { consoleSize } });
  assert.equal(plain.process?.consoleSize, undefined);
  assert.ok(!plain.process?.env?.some((entry) => entry.startsWith("TERM=")));
  assert.equal(
    specOf({ options: { tty: true, consoleSize: { width: 0, height: 0 } } }).process?.consoleSize,
    undefined,
  );
});

test("a variable of the user's replaces the default, and the last of a name wins", () => {
  const env = specOf({ options: { env: ["PATH=/bin", "A=1", "HOME=/x", "A=2", "EMPTY=", "B=a=b"] } }).process?.env;
  assert.deepEqual(env, ["PATH=/bin", "HOSTNAME=0123456789ab", "HOME=/x", "A=2", "EMPTY=", "B=a=b"]);
});

test("a user who is not root has capabilities only in the bounding set", () => {
  const user = { uid: 1000, gid: 100, groups: [100, 27], home: "/home/u" };
  const { process } = specOf({ resolved: { user } });
  assert.deepEqual(process?.user, { uid: 1000, gid: 100, additionalGids: [100, 27] });
  assert.deepEqual(process?.capabilities, { bounding: defaultCapabilities });
  assert.ok(process?.env?.includes("HOME=/home/u"));
});

test("an overlay's root is in the bundle; a caller may choose root and cgroup", () => {
  assert.equal(specOf({ options: { rootfs: { path: "/r", overlay: true } } }).root?.path, "rootfs");
  const { spec } = buildSpec({ ...specInput(), rootPath: "/elsewhere", cgroupParent: "/mine" });
  assert.equal(spec.root?.path, "/elsewhere");
  assert.equal(spec.linux?.cgroupsPath, `/mine/${sampleId}`);
});

test("entry point, working directory, read-only root and annotations are what was asked for", () => {
  const spec = specOf({
    options: { entrypoint: "/init", command: ["a", "b"], cwd: "/w", readOnly: true, annotations: { k: "v" } },
  });
  assert.deepEqual(spec.process?.args, ["/init", "a", "b"]);
  assert.equal(spec.process?.cwd, "/w");
  assert.equal(spec.root?.readonly, true);
  assert.deepEqual(spec.annotations, { k: "v" });
  assert.deepEqual(specOf({ options: { entrypoint: "", command: ["a"] } }).process?.args, ["a"]);
});

test("the score for the OOM killer is left alone where it could not be lowered", () => {
  const capabilities = allCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE");
  assert.equal(specOf({ host: { capabilities, oomScoreAdj: 500 } }).process?.oomScoreAdj, undefined);
  assert.equal(specOf({ host: { capabilities, oomScoreAdj: -500 } }).process?.oomScoreAdj, 0);
  assert.equal(specOf({ host: { oomScoreAdj: 500 } }).process?.oomScoreAdj, 0);
});

test("a score for the OOM killer that was asked for is set, or refused where it could not be", () => {
  assert.equal(specOf({ options: { oomScoreAdj: -500 } }).process?.oomScoreAdj, -500);
  const capabilities = allCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE");
  assert.equal(specOf({ options: { oomScoreAdj: 300 }, host: { capabilities } }).process?.oomScoreAdj, 300);
  assert.throws(
    () => specOf({ options: { oomScoreAdj: -1 }, host: { capabilities } }),
    gantryError(
      "failed_precondition",
      /--oom-score-adj -1 is below gantry's own 0.*no CAP_SYS_RESOURCE/,
      /give 0 or more/,
    ),
  );
  for (const oomScoreAdj of [-1001, 1001, 0.5, NaN]) {
    assert.throws(() => specOf({ options: { oomScoreAdj } }), gantryError("invalid_argument", /out of range/));
  }
});

test("limits of processes and further groups are the process's, each once", () => {
  const { process } = specOf({
    options: { ulimits: [{ name: "core", soft: 0, hard: -1 }] },
    resolved: { user: { uid: 1, gid: 2, groups: [2, 3], home: "/" }, extraGroups: [3, 4] },
  });
  assert.deepEqual(process?.rlimits, [{ type: "RLIMIT_CORE", soft: 0, hard: 2 ** 64 }]);
  assert.deepEqual(process?.user.additionalGids, [2, 3, 4]);
  assert.equal(specOf().process?.rlimits, undefined);
});

test("with unconfined system paths nothing is masked or read-only, and the rest is as it was", () => {
  const { linux } = specOf({ options: { securityOpt: ["systempaths=unconfined"] } });
  assert.deepEqual([linux?.maskedPaths, linux?.readonlyPaths], [undefined, undefined]);
  assert.equal(linux?.seccomp?.defaultAction, "SCMP_ACT_ERRNO");
});

test("options that make no sense are refused before anything is done", () => {
  const refused: readonly (readonly [Partial<ContainerOptions>, RegExp])[] = [
    [{ command: [] }, /no command/],
    [{ command: [""] }, /no command/],
    [{ command: ["a\0b"] }, /NUL/],
    [{ cwd: "relative" }, /--workdir "relative" is not absolute/],
    [{ hostname: "" }, /--hostname/],
    [{ hostname: "a".repeat(65) }, /--hostname/],
    [{ hostname: "a b" }, /--hostname/],
    [{ hostname: "a/b" }, /--hostname/],
    [{ name: "a/b" }, /container name/],
    [{ stopSignal: "TREM" }, /--stop-signal.*TREM/],
    [{ stopTimeout: -2 }, /--stop-timeout -2/],
    [{ stopTimeout: NaN }, /--stop-timeout NaN/],
    [{ env: ["NOVALUE"] }, /NAME=VALUE/],
    [{ env: ["=x"] }, /NAME=VALUE/],
    [{ env: ["A=\0"] }, /"A"/],
    [{ labels: { "": "x" } }, /has no key/],
    [{ labels: { k: "v".repeat(4096) } }, /4097 bytes long.*limit is 4096/],
    [{ labels: { ä: "ü".repeat(2048) } }, /4098 bytes/],
    [{ capAdd: ["NET_ADMN"] }, /--cap-add: "NET_ADMN"/],
    [{ capDrop: ["x"] }, /--cap-drop: "x"/],
    [{ annotations: { "": "x" } }, /--annotation has no key/],
    [{ annotations: { a: "\0" } }, /an annotation contains a NUL/],
    [{ shmSize: 0 }, /--shm-size 0/],
    [{ shmSize: 1.5 }, /--shm-size 1.5/],
    [{ cgroupParent: "a.slice" }, /--cgroup-parent "a.slice" is a systemd slice/],
    [{ memory: 1024 }, /--memory 1KiB is too little/],
    [{ cpus: 5 }, /--cpus 5 is out of range/],
    [{ securityOpt: ["secomp=x"] }, /secomp=x/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => specOf({ options }), gantryError("invalid_argument", message), JSON.stringify(options));
  }
  specOf({
    options: { labels: { k: "v".repeat(4095) }, hostname: "a".repeat(64), stopSignal: "rtmin+3", stopTimeout: -1 },
  });
});

test("X04 no message about a variable has its value", () => {
  for (const entry of ["=hunter2", "hunter2\0", "PASSWORD=hunter2\0"]) {
    assert.throws(() => specOf({ options: { env: [entry] } }), (error) => !String(error).includes("hunter2"));
  }
});

test("paths that tell the load of the processors are masked where the host has them", () => {
  const path = "/sys/devices/system/cpu/cpu0/thermal_throttle";
  assert.ok(specOf({ host: { thermalPaths: [path] } }).linux?.maskedPaths?.includes(path));
});
