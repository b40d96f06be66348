import assert from "node:assert/strict";
import {
  bundleOf,
  createBundle,
  finishBundle,
  hasBundle,
  listBundles,
  listNamespaces,
  makerOf,
  runtimeOf,
  shimOf,
} from "../../../lib/shim/bundle.ts";
import { readShimAddress, writeShimAddress } from "../../../lib/shim/bundle_address.ts";
import { removeAbandoned, removeBundle } from "../../../lib/shim/dead_shim.ts";
import { test } from "../../support/test.ts";

async function withRoot(body: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(`${root}/bundles`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const content = { config: '{"ociVersion":"1.0.2"}', shim: "/usr/bin/containerd-shim-runc-v2" };

async function modeOf(path: string): Promise<string> {
  return (((await Deno.stat(path)).mode ?? 0) & 0o777).toString(8).slice(-3);
}

test("a bundle has containerd's files and modes, and reads back", async () => {
  await withRoot(async (root) => {
    const bundle = bundleOf(root, { namespace: "n", id: "c1" });
    assert.equal(await hasBundle(bundle), false);
    await createBundle(bundle, { ...content, runtime: { binary: "crun", root: "/r" } });
    assert.equal(bundle.path, `${root}/n/c1`);
    assert.deepEqual([...Deno.readDirSync(bundle.path)].map(({ name }) => name).sort(), [
      "config.json",
      "log",
      "maker",
      "options.json",
      "rootfs",
      "runtime",
      "shim-binary-path",
    ]);
    assert.deepEqual(
      [await modeOf(`${root}/n`), await modeOf(bundle.path), await modeOf(`${bundle.path}/rootfs`)],
      ["711", "700", "711"],
    );
    assert.equal((await Deno.lstat(`${bundle.path}/log`)).isFile, true, "a FIFO without a reader would hang the shim");
    assert.equal(await Deno.readTextFile(`${bundle.path}/config.json`), content.config);
    assert.equal(await shimOf(bundle), content.shim);
    assert.deepEqual(await runtimeOf(bundle), { binary: "crun", root: "/r/n" });
    assert.equal(await makerOf(bundle), "alive");
    await finishBundle(bundle);
    await finishBundle(bundle);
    assert.equal(await makerOf(bundle), "none");
    await removeBundle(bundle);
    await removeBundle(bundle);
    assert.deepEqual([...Deno.readDirSync(`${root}/n`)], []);
  });
});

test("a user namespace's root may enter its bundle", async () => {
  await withRoot(async (root) => {
    const bundle = bundleOf(root, { namespace: "n", id: "c1" });
    await createBundle(bundle, { ...content, rootGid: 4242 });
    const { gid } = await Deno.stat(bundle.path);
    assert.deepEqual([gid, await modeOf(bundle.path)], [4242, "710"]);
  });
});

test("a second bundle of one id is refused, at the same time too, and the first stays whole", async () => {
  await withRoot(async (root) => {
    const bundle = bundleOf(root, { namespace: "n", id: "c1" });
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => createBundle(bundle, content)));
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(createBundle(bundle, content), {
      code: "already_exists",
      message: "container c1 has a task already",
    });
    assert.equal(await shimOf(bundle), content.shim);
    assert.deepEqual([...Deno.readDirSync(`${root}/n`)].map(({ name }) => name), ["c1"]);
  });
});

test("a bundle that cannot be made is undone", async () => {
  await withRoot(async (root) => {
    await Deno.mkdir(root);
    await Deno.writeTextFile(`${root}/n`, "");
    await assert.rejects(createBundle(bundleOf(root, { namespace: "n", id: "c1" }), content), /make the bundle/);
    await Deno.mkdir(`${root}/m`);
    await Deno.writeTextFile(`${root}/m/c1`, "");
    await assert.rejects(createBundle(bundleOf(root, { namespace: "m", id: "c1" }), content), /make the bundle/);
    assert.deepEqual([...Deno.readDirSync(`${root}/m`)].map(({ name }) => name), ["c1"]);
  });
});

test("D02 what makers left is told from what is being made", async () => {
  await withRoot(async (root) => {
    for (const id of ["b", "a"]) await createBundle(bundleOf(root, { namespace: "n", id }), content);
    const dead = `${Deno.pid} 1`;
    await Deno.writeTextFile(`${root}/n/b/maker`, dead);
    for (const name of [".c-1.4194304.7", `.d-1.${dead.replace(" ", ".")}`, ".lock-a", ".other"]) {
      await Deno.mkdir(`${root}/n/${name}`);
    }
    await Deno.mkdir(`${root}/.s`);
    const { bundles, abandoned } = await listBundles(root, "n");
    assert.deepEqual(bundles.map(({ id }) => id), ["a", "b"]);
    assert.deepEqual(await Promise.all(bundles.map(makerOf)), ["alive", "dead"]);
    assert.deepEqual(abandoned, [`${root}/n/.c-1.4194304.7`, `${root}/n/.d-1.${Deno.pid}.1`]);
    for (const path of abandoned) await removeAbandoned(path);
    assert.deepEqual((await listBundles(root, "n")).abandoned, []);
    assert.deepEqual(await listNamespaces(root), ["n"]);
    assert.deepEqual(await listNamespaces(`${root}/none`), []);
    assert.deepEqual(await listBundles(root, "none"), { bundles: [], abandoned: [], lost: [] });
  });
});

test("ids and namespaces cannot name another directory", () => {
  for (const id of ["", "..", "a/b", ".s", "-a"]) {
    assert.throws(() => bundleOf("/r", { namespace: "n", id }), { code: "invalid_argument" });
    assert.throws(() => bundleOf("/r", { namespace: id, id: "c" }), { code: "invalid_argument" });
  }
});

test("an address that was written is read, with its generation", async () => {
  await withRoot(async (root) => {
    const bundle = bundleOf(root, { namespace: "n", id: "c1" });
    await createBundle(bundle, content);
    for (const service of ["containerd.task.v2.Task", "containerd.task.v3.Task"] as const) {
      await writeShimAddress(bundle.path, { path: "/run/x/s", service });
      assert.deepEqual(await readShimAddress(bundle.path), { path: "/run/x/s", service });
    }
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${bundle.path}/bootstrap.json`)), {
      version: 3,
      address: "unix:///run/x/s",
      protocol: "ttrpc",
    });
  });
});
