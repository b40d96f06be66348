import assert from "node:assert/strict";
import type { CheckpointRecord } from "../../../lib/engine/checkpoint/checkpoint_record.ts";
import {
  configuredSpec,
  criuConfigAnnotation,
  withoutCriuConfig,
  writeCriuConfig,
} from "../../../lib/engine/checkpoint/criu_config.ts";
import { prepareRewind } from "../../../lib/engine/checkpoint/overlay_rewind.ts";
import { withRealSources } from "../../../lib/engine/checkpoint/real_sources.ts";
import { planRestored } from "../../../lib/engine/checkpoint/restored_plan.ts";
import { withRestoredNetwork } from "../../../lib/engine/checkpoint/restored_network.ts";
import { pathsIn } from "../../../lib/engine/checkpoint/checkpoint_paths.ts";
import { containerPaths } from "../../../lib/engine/container_paths.ts";
import { loadFileCalls } from "../../../lib/engine/archive/file_calls.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { temporaryDirectory } from "../base/directories.ts";
import { test } from "../../support/test.ts";
import { facts } from "./checkpoint_setting.ts";

loadFileCalls();

const old = "a".repeat(64);
const next = "b".repeat(64);
const oldData = `/old/root/containers/default/${old}`;

const record: CheckpointRecord = {
  ...facts,
  id: "d".repeat(64),
  namespace: "default",
  container: old,
  name: "one",
  createdAt: 0,
  sizeBytes: 0,
  rootfs: { path: "/srv/rootfs", overlay: true, saved: true },
  labels: {
    app: "web",
    "gantry/name": "web",
    "gantry/data": oldData,
    "gantry/rootfs": "/srv/rootfs:O",
    "gantry/timeout": "1m",
  },
  spec: {
    ociVersion: "1.0.2",
    hostname: old.slice(0, 12),
    root: { path: "rootfs", readonly: true },
    process: { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/", env: ["A=B", `HOSTNAME=${old.slice(0, 12)}`] },
    mounts: [
      { destination: "/etc/hosts", type: "bind", source: `${oldData}/hosts`, options: ["bind"] },
      { destination: "/data", type: "bind", source: "/srv/data", options: ["bind"] },
    ],
    annotations: { [criuConfigAnnotation]: `${oldData}/criu.conf`, mine: "yes" },
    linux: {
      cgroupsPath: `/gantry/${old}`,
      namespaces: [{ type: "network" }],
      sysctl: { "net.ipv4.x": "1", "kernel.y": "2" },
    },
  },
};

const instance = { root: "/new/root", state: "/new/state" };

test("a restored container has the old one's options, and paths, control group and host name of its own", () => {
  const plan = planRestored(record, { instance, namespace: "default", id: next, name: "copy" });
  const data = `/new/root/containers/default/${next}`;
  assert.deepEqual(plan.labels, {
    app: "web",
    "gantry/name": "copy",
    "gantry/data": data,
    "gantry/rootfs": "/srv/rootfs:O",
    "gantry/timeout": "1m",
    "gantry/checkpoint": record.id,
  });
  const { spec } = plan;
  assert.deepEqual([spec.hostname, spec.process?.env, spec.root, spec.linux?.cgroupsPath, spec.annotations], [
    next.slice(0, 12),
    ["A=B", `HOSTNAME=${next.slice(0, 12)}`],
    { path: "rootfs", readonly: true },
    `/gantry/${next}`,
    { mine: "yes" },
  ]);
  assert.deepEqual(spec.mounts?.map(({ source }) => source), [`${data}/hosts`, "/srv/data"]);
  assert.deepEqual([plan.files, plan.timeoutMs, plan.detached], [record.files, 60_000, true]);
  assert.match(plan.rootfs[0]?.options.join() ?? "", new RegExp(`lowerdir=/srv/rootfs,upperdir=${data}/overlay/upper`));
});

test("a host name that was asked for stays, a foreign control group does not, another root filesystem is taken", () => {
  const spec = { ...record.spec, hostname: "db", linux: { cgroupsPath: "/machine.slice/libpod-1" } };
  const rootfs = { path: "/else", overlay: false };
  const plan = planRestored({ ...record, spec }, { instance, namespace: "default", id: next, rootfs });
  assert.deepEqual([plan.name, plan.spec.hostname, plan.spec.root?.path, plan.rootfs], ["web", "db", "/else", []]);
  assert.equal(plan.spec.linux?.cgroupsPath, `/gantry/${next}`);
});

test("C03 options reach CRIU through a file that keeps what the user's own says; without options there is none", async () => {
  await using place = await temporaryDirectory();
  const paths = containerPaths({ root: place.path, state: place.path }, "default", next);
  await Deno.mkdir(paths.data, { recursive: true });
  const own = `${place.path}/own.conf`;
  await Deno.writeTextFile(own, "ghost-limit 5M\n");
  const spec: Spec = { ociVersion: "1.0.2", annotations: { [criuConfigAnnotation]: own } };
  assert.equal(configuredSpec(spec, paths, {}), spec);
  const configured = configuredSpec(spec, paths, { tcpEstablished: true });
  const file = `${paths.data}/criu.conf`;
  assert.equal(configured.annotations?.[criuConfigAnnotation], file);
  await writeCriuConfig(configured, paths, { tcpEstablished: true });
  assert.match(await Deno.readTextFile(file), /^# .*\nghost-limit 5M\ntcp-established\n$/);
  // The next dump must not be allowed what it does not ask for.
  assert.equal(configuredSpec(configured, paths, {}), configured);
  await writeCriuConfig(configured, paths, {});
  assert.match(await Deno.readTextFile(file), /^# .*\nghost-limit 5M\n$/);
  assert.deepEqual(withoutCriuConfig(configured, paths.data), spec);
});

test("a network of its own gets its loopback and settings back, once; the host's is left alone", () => {
  const { spec } = record;
  const restored = withRestoredNetwork(spec);
  const [hook, ...others] = restored.hooks?.createRuntime ?? [];
  assert.deepEqual([others, hook?.args?.slice(4)], [[], ["net/ipv4/x=1"]]);
  assert.equal(withRestoredNetwork(restored), restored);
  for (const namespaces of [[], [{ type: "network", path: "/run/netns/x" }] as const]) {
    const other = { ...spec, linux: { ...spec.linux, namespaces } };
    assert.equal(withRestoredNetwork(other), other);
  }
});

test("a bind mount from a symbolic link is one from where it leads; others stay", async () => {
  await using place = await temporaryDirectory();
  await Deno.mkdir(`${place.path}/real`);
  await Deno.symlink("real", `${place.path}/link`);
  const mount = (source: string) => ({ destination: "/x", type: "bind", source, options: ["rbind"] });
  const spec = {
    ociVersion: "1.0.2",
    mounts: [mount(`${place.path}/link`), mount("/nowhere"), { destination: "/proc", type: "proc", source: "proc" }],
  };
  const real = await withRealSources(spec);
  assert.deepEqual(real.mounts?.map(({ source }) => source), [`${place.path}/real`, "/nowhere", "proc"]);
  assert.equal(await withRealSources(real), real);
});

test("an overlay goes back to what was saved, and forth again when the restore fails or was killed", async () => {
  await using place = await temporaryDirectory();
  const container = containerPaths({ root: place.path, state: place.path }, "default", next);
  const upper = container.overlayUpper;
  await Deno.mkdir(`${place.path}/lower`);
  await Deno.mkdir(upper, { recursive: true });
  await Deno.writeTextFile(`${upper}/now`, "now");
  const checkpoint = pathsIn(`${place.path}/checkpoint`);
  const options = { lower: `${place.path}/lower`, signal: undefined };
  const names = (): readonly string[] => Array.from(Deno.readDirSync(upper), ({ name }) => name);
  const failing = await prepareRewind(container, checkpoint, options);
  assert.deepEqual(names(), ["now"]);
  await failing.apply();
  assert.deepEqual(names(), []);
  await failing.undo();
  assert.deepEqual(names(), ["now"]);
  // Killed between the two renames.
  await Deno.rename(upper, `${upper}.before`);
  const working = await prepareRewind(container, checkpoint, options);
  assert.deepEqual(names(), ["now"]);
  await working.apply();
  await working.settle();
  assert.deepEqual(Array.from(Deno.readDirSync(`${upper}/..`), ({ name }) => name), ["upper"]);
  await (await prepareRewind(container, checkpoint, options)).undo();
  assert.deepEqual(Array.from(Deno.readDirSync(`${upper}/..`), ({ name }) => name), ["upper"]);
});
