import assert from "node:assert/strict";
import fc from "fast-check";
import { containerPaths } from "../../../lib/engine/container_paths.ts";
import { labelKeys } from "../../../lib/engine/container_plan.ts";
import { inspectContainer, type InspectFacts } from "../../../lib/engine/inspect/inspect.ts";
import { prepareSpec } from "../../../lib/engine/spec/prepare.ts";
import { packJson, typeUrls } from "../../../lib/wire/any.ts";
import { needsRoot, test } from "../../support/test.ts";
import { busyboxRootfs } from "../../support/rootfs.ts";
import { builtSpec, created, factsOf, storedContainer } from "./inspect_fixtures.ts";
import { containerOptions, type InputParts, sampleId } from "./spec_fixtures.ts";

const paths = containerPaths({ root: "/var/lib/gantry", state: "/run/gantry" }, "default", sampleId);
const logs = { stdout: paths.stdoutLog, stderr: paths.stderrLog };

function inspect(parts: InputParts = {}, given: Partial<InspectFacts> = {}) {
  return inspectContainer(factsOf(storedContainer(builtSpec(parts)), given));
}

test("a container with many options is inspected as the golden file says", async () => {
  const spec = builtSpec({
    options: {
      command: ["sh", "-c", "echo $GREETING; sleep 60"],
      env: ["GREETING=hello"],
      cwd: "/srv",
      hostname: "mill-1",
      tty: true,
      consoleSize: { width: 120, height: 40 },
      mounts: [
        { type: "bind", source: "/srv/data", target: "/data", options: ["ro"] },
        { type: "bind", source: "/srv/shared", target: "/shared", options: ["rshared"] },
        { type: "tmpfs", target: "/scratch", options: ["size=64m", "mode=1777"] },
      ],
      readOnly: true,
      memory: 64 * 2 ** 20,
      cpus: 1.5,
      pidsLimit: 100,
      capAdd: ["NET_ADMIN"],
      capDrop: ["MKNOD"],
      securityOpt: ["no-new-privileges"],
      annotations: { "org.example.note": "golden" },
    },
    resolved: { user: { uid: 33, gid: 33, groups: [33], home: "/var/www" } },
  });
  const record = storedContainer(spec, {
    labels: { app: "web", [labelKeys.stopSignal]: "INT", [labelKeys.stopTimeout]: "3", [labelKeys.autoRemove]: "true" },
  });
  const document = inspectContainer(factsOf(record, {
    life: { status: "running", pid: 4242, startedAt: created + 500 },
    bundle: "/run/gantry/containerd/io.containerd.runtime.v2.task/default/web",
    paths,
    logs,
    execIds: ["e1"],
  }));
  const golden = new URL("fixtures/inspect.json", import.meta.url);
  const text = `${JSON.stringify([document], undefined, 2)}\n`;
  if (Deno.env.get("GANTRY_WRITE_GOLDEN") !== undefined) await Deno.writeTextFile(golden, text);
  assert.equal(text, await Deno.readTextFile(golden));
});

test("a container of nothing but defaults has docker's", () => {
  const { HostConfig: host, Config: config, Mounts } = inspect();
  assert.deepEqual(Mounts, []);
  assert.equal(host.Binds, null);
  assert.equal(host.CapAdd, null);
  assert.equal(host.CapDrop, null);
  assert.equal(host.SecurityOpt, null);
  assert.equal(host.Privileged, false);
  assert.equal(host.NetworkMode, "none");
  assert.equal(host.PidMode, "");
  assert.equal(host.IpcMode, "private");
  assert.equal(host.UTSMode, "");
  assert.equal(host.CgroupnsMode, "private");
  assert.equal(host.ShmSize, 64 * 2 ** 20);
  assert.equal(host.Memory, 0);
  assert.equal(host.PidsLimit, null);
  assert.equal(host.CgroupParent, "/gantry");
  assert.equal(host.Init, undefined);
  assert.equal(host.Tmpfs, undefined);
  assert.ok((host.MaskedPaths ?? []).includes("/proc/kcore"));
  assert.equal(config.User, "");
  assert.equal(config.StopSignal, "SIGTERM");
  assert.equal(config.StopTimeout, 10);
  assert.equal(config.WorkingDir, "/");
});

test("what runs, is paused, has ended or was never started has docker's state", () => {
  const state = (life: InspectFacts["life"]) => inspect({}, { life }).State;
  const startedAt = created + 1000;
  const running = state({ status: "running", pid: 7, startedAt });
  assert.deepEqual([running.Status, running.Running, running.Paused, running.Pid], ["running", true, false, 7]);
  assert.equal(running.StartedAt, "2026-11-22T18:00:01.250Z");
  assert.equal(running.FinishedAt, "0001-01-01T00:00:00Z");
  assert.equal("ExitExact" in running, false);
  for (const status of ["paused", "pausing"] as const) {
    const paused = state({ status, pid: 7, startedAt });
    assert.deepEqual([paused.Status, paused.Running, paused.Paused, paused.Pid], ["paused", true, true, 7]);
  }
  const exit = { code: 137, exitedAt: created + 5000, exact: true };
  const exited = state({ status: "stopped", pid: 7, exit, oomKilled: true });
  assert.deepEqual(
    [exited.Status, exited.Running, exited.Pid, exited.ExitCode, exited.ExitExact, exited.OOMKilled],
    ["exited", false, 0, 137, true, true],
  );
  assert.equal(exited.FinishedAt, "2026-11-22T18:00:05.250Z");
  const inferred = state({ status: "stopped", pid: 0, exit: { code: 255, exitedAt: 0, exact: false } });
  assert.deepEqual([inferred.ExitCode, inferred.ExitExact, inferred.FinishedAt], [255, false, "0001-01-01T00:00:00Z"]);
  assert.equal(state({ status: "created", pid: 7 }).Status, "created");
  assert.equal(state({ status: "unknown", pid: 7 }).Status, "unknown");
  assert.equal(state({ status: "none", pid: 0, exit }).Status, "exited", "its task was removed since");
  assert.equal(state(undefined).Status, "created");
  assert.equal(state({ status: "created", pid: 0, error: "no such file" }).Error, "no such file");
});

test("the user's mounts are shown, those that every container has are not", () => {
  const { Mounts, HostConfig } = inspect({
    options: {
      network: "host",
      ipc: "host",
      mounts: [
        { type: "bind", source: "/a", target: "/b", options: [] },
        { type: "bind", source: "/c", target: "/d", options: ["bind", "ro", "rslave"] },
        { type: "bind", source: "/my/hosts", target: "/etc/hosts", options: [] },
        { type: "tmpfs", target: "/run", options: [] },
      ],
    },
    resolved: { hostFiles: ["/etc/resolv.conf"], init: "/usr/bin/tini-static" },
  });
  const mount = { Type: "bind", Mode: "", RW: true, Propagation: "rprivate" } as const;
  assert.deepEqual([...Mounts].sort((a, b) => a.Destination < b.Destination ? -1 : 1), [
    { ...mount, Source: "/a", Destination: "/b" },
    { ...mount, Source: "/c", Destination: "/d", Mode: "ro,rslave", RW: false, Propagation: "rslave" },
    { ...mount, Source: "/my/hosts", Destination: "/etc/hosts" },
    { ...mount, Type: "tmpfs", Source: "", Destination: "/run", Propagation: "" },
  ]);
  assert.deepEqual([...HostConfig.Binds ?? []].sort(), ["/a:/b", "/c:/d:ro,rslave", "/my/hosts:/etc/hosts"]);
  assert.deepEqual(HostConfig.Tmpfs, { "/run": "" });
});

test("files that gantry made or took from the host are named by where they are on the host", () => {
  const own = inspect({ options: { dns: ["10.0.0.1"], addHost: [{ name: "db", address: "10.0.0.2" }] } });
  assert.equal(own.ResolvConfPath, `${paths.data}/resolv.conf`);
  assert.equal(own.HostsPath, `${paths.data}/hosts`);
  assert.equal(own.HostnamePath, `${paths.data}/hostname`);
  assert.deepEqual(own.Mounts, []);
  const host = inspect({ options: { network: "host" }, resolved: { hostFiles: ["/etc/hosts", "/etc/resolv.conf"] } });
  assert.equal(host.HostsPath, "/etc/hosts");
  assert.equal(host.ResolvConfPath, "/etc/resolv.conf");
  assert.equal(host.HostConfig.NetworkMode, "host");
  assert.deepEqual(Object.keys(host.NetworkSettings.Networks), ["host"]);
});

test("argv is the user's, whether an init goes before it or not", () => {
  const direct = inspect({ options: { command: ["nginx", "-g", "daemon off;"] } });
  const through = inspect({
    options: { command: ["nginx", "-g", "daemon off;"] },
    resolved: { init: "/usr/bin/tini" },
  });
  for (const { Path, Args, Config } of [direct, through]) {
    assert.equal(Path, "nginx");
    assert.deepEqual(Args, ["-g", "daemon off;"]);
    assert.deepEqual(Config.Cmd, ["nginx", "-g", "daemon off;"]);
  }
  assert.equal(direct.HostConfig.Init, undefined);
  assert.equal(through.HostConfig.Init, true);
});

test("an overlay is told from a directory, and another client's root filesystem from both", () => {
  const overlay = inspectContainer(factsOf(
    storedContainer(builtSpec({ options: { rootfs: { path: "/srv/rootfs", overlay: true } } }), {
      labels: { [labelKeys.rootfs]: "/srv/rootfs:O" },
    }),
    { paths, bundle: "/run/b" },
  ));
  assert.equal(overlay.Driver, "overlay");
  assert.deepEqual(overlay.GraphDriver.Data, {
    LowerDir: "/srv/rootfs",
    UpperDir: paths.overlayUpper,
    WorkDir: paths.overlayWork,
    MergedDir: "/run/b/rootfs",
  });
  assert.deepEqual(inspect().GraphDriver, { Name: "directory", Data: { RootDir: "/srv/rootfs" } });
  const { labels: _, ...record } = storedContainer(builtSpec());
  assert.deepEqual(inspectContainer(factsOf({ ...record, labels: {} })).GraphDriver, { Name: "", Data: null });
});

test("a container of another client is named by its id and shows its image", () => {
  const spec = builtSpec();
  const { labels: _, ...record } = storedContainer(spec, { id: "redis", image: "docker.io/library/redis:7" });
  const document = inspectContainer(factsOf({ ...record, labels: { "io.cri": "x" } }));
  assert.equal(document.Name, "/redis");
  assert.equal(document.Image, "docker.io/library/redis:7");
  assert.equal(document.Config.Image, "docker.io/library/redis:7");
  assert.equal("DataDir" in document.Gantry, false);
});

test("lists that a Go client stored as null are absent ones", () => {
  const spec = { ...builtSpec(), mounts: null, hooks: null, process: { ...builtSpec().process, env: null } };
  const record = storedContainer(builtSpec(), { spec: packJson(typeUrls.spec, spec) });
  const document = inspectContainer(factsOf(record));
  assert.equal(document.Path, "sh");
  assert.deepEqual(document.Config.Env, []);
});

test("a record without a spec that is understood is inspected as far as it goes", () => {
  for (const spec of [undefined, packJson(typeUrls.spec, [1]), packJson(typeUrls.spec, { ociVersion: 3 })]) {
    const { Id, Path, Args, HostConfig, NetworkSettings } = inspectContainer(
      factsOf({ ...storedContainer(builtSpec()), spec }),
    );
    assert.equal(Id, sampleId);
    assert.equal(Path, "");
    assert.deepEqual(Args, []);
    assert.equal(HostConfig.Privileged, false);
    assert.equal(HostConfig.NetworkMode, "");
    assert.equal(HostConfig.CapDrop, null);
    assert.deepEqual(NetworkSettings.Networks, {});
  }
});

test("X01 any JSON in place of a spec, or of a part of it, is inspected without a crash", () => {
  const spec = builtSpec();
  const keys = ["process", "root", "mounts", "linux", "annotations", "hostname"] as const;
  fc.assert(fc.property(fc.constantFrom(...keys, undefined), fc.jsonValue(), (key, value) => {
    const broken = packJson(typeUrls.spec, key === undefined ? value : { ...spec, [key]: value });
    const document = inspectContainer(factsOf({ ...storedContainer(spec), spec: broken }));
    assert.equal(JSON.parse(JSON.stringify(document)).Id, sampleId);
  }));
});

test("X01 odd labels are shown and break nothing", () => {
  fc.assert(fc.property(fc.dictionary(fc.constantFrom(...Object.values(labelKeys)), fc.string()), (labels) => {
    const document = inspectContainer(factsOf(storedContainer(builtSpec(), { labels })));
    assert.ok(Number.isFinite(document.Config.StopTimeout));
  }));
});

test("a spec prepared on this very host is inspected", { skip: needsRoot() }, async () => {
  const rootfs = await Deno.makeTempDir({ prefix: "gantry-inspect-" });
  try {
    await busyboxRootfs(rootfs);
    const options = containerOptions({ rootfs: { path: rootfs, overlay: false }, user: "nobody", env: ["A=b"] });
    const { spec } = await prepareSpec({ id: sampleId, namespace: "default", options, dataDir: paths.data });
    const document = inspectContainer(factsOf(storedContainer(spec, { labels: { [labelKeys.rootfs]: rootfs } })));
    assert.equal(document.Path, "sh");
    assert.equal(document.Config.User, "65534:65534");
    assert.ok(document.Config.Env.includes("A=b"));
    assert.deepEqual(document.Mounts, []);
    assert.equal(document.HostConfig.Privileged, false);
    assert.equal(document.HostConfig.CapAdd, null);
    assert.equal(document.GraphDriver.Name, "directory");
  } finally {
    await Deno.remove(rootfs, { recursive: true });
  }
});
