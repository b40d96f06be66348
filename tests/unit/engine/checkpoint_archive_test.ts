import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { compressions } from "../../../lib/engine/archive/compression.ts";
import { loadZstd } from "../../../lib/engine/archive/zstd_stream.ts";
import { openCheckpoints } from "../../../lib/engine/checkpoint/checkpoint_store.ts";
import { checkpointArchive, exportCheckpoint } from "../../../lib/engine/checkpoint/export_checkpoint.ts";
import { importCheckpoint, importCheckpointFile } from "../../../lib/engine/checkpoint/import_checkpoint.ts";
import { needsRoot, test } from "../../support/test.ts";
import { namesIn, smallDisk } from "../base/directories.ts";
import { bytesOf, entriesOf, folder, type Sample, streamOf, tarOf } from "./archive_setting.ts";
import { facts, makeCheckpoint, ref } from "./checkpoint_setting.ts";

loadZstd();

const target = { namespace: "other", container: "beef", name: "imported" };
const config = JSON.stringify({
  id: "c".repeat(64),
  name: "web",
  runtime: "crun",
  checkpointedTime: "2024-05-06T07:08:09.123Z",
});

/** What podman writes, as far as an import needs it. */
const podman: readonly Sample[] = [
  { name: "artifacts/", type: "directory" },
  { name: "config.dump", content: config },
  { name: "checkpoint/", type: "directory" },
  { name: "checkpoint/inventory.img", content: "inventory" },
  { name: "checkpoint/descriptors.json", content: "[]" },
  { name: "spec.dump", content: JSON.stringify({ ...facts.spec, hooks: null }) },
  { name: "ctr.log", content: "log" },
  { name: "volumes/data.tar", content: "volume" },
];

async function exported(root: string): Promise<Uint8Array<ArrayBuffer>> {
  const record = await makeCheckpoint(root);
  const paths = openCheckpoints(root).paths(ref);
  await Deno.writeFile(
    paths.rootfsDiff,
    await tarOf({ name: "etc/", type: "directory" }, { name: "etc/new", content: "new" }),
  );
  await Deno.writeTextFile(paths.deletedFiles, '["/etc/old"]');
  return await bytesOf(await checkpointArchive({ record, paths }));
}

/** Imports and says what is left in the store when that fails. */
async function refused(root: string, data: Uint8Array): Promise<GantryError> {
  const store = openCheckpoints(root);
  try {
    await importCheckpoint(streamOf(data, 3000), { store, ref: target });
  } catch (error) {
    assert.ok(error instanceof GantryError, String(error));
    assert.deepEqual(namesIn(`${root}/checkpoints/other`), []);
    return error;
  }
  throw new assert.AssertionError({ message: "it was imported" });
}

for (const compression of compressions) {
  test(`C02 a checkpoint exported (${compression}) and imported elsewhere is the same one`, async () => {
    await using here = await folder();
    await using there = await folder();
    const record = await makeCheckpoint(here.path, {
      images: { "pages-2.img": Uint8Array.from({ length: 300_001 }, (_, index) => index * 7919 >> 3) },
    });
    const from = openCheckpoints(here.path).paths(ref);
    await Deno.writeFile(from.rootfsDiff, await tarOf({ name: "etc/new", content: "new" }));
    await Deno.writeTextFile(from.deletedFiles, '["/etc/old"]');
    await Deno.writeTextFile(from.networkStatus, '{"cni":{}}');
    const file = `${here.path}/x.tar${{ none: "", gzip: ".gz", zstd: ".zst" }[compression]}`;
    const size = await exportCheckpoint({ record, paths: from }, file);
    assert.equal((await Deno.stat(file)).mode, 0o100600);
    assert.equal((await Deno.stat(file)).size, size);
    const store = openCheckpoints(there.path);
    const imported = await importCheckpointFile(file, { store, ref: target });
    const sizeBytes = imported.record.sizeBytes;
    assert.ok(sizeBytes > record.sizeBytes);
    assert.deepEqual(imported, { record: { ...record, ...target, sizeBytes }, ignored: [] });
    assert.deepEqual(await store.inspect(target), imported.record);
    const to = store.paths(target);
    for (
      const name of [
        "images/inventory.img",
        "images/pages-1.img",
        "images/pages-2.img",
        "work/stats-dump",
        "work/dump.log",
        "rootfs-diff.tar",
        "deleted.files",
        "network.status",
      ]
    ) {
      assert.deepEqual(
        await Deno.readFile(`${to.directory}/${name}`),
        await Deno.readFile(`${from.directory}/${name}`),
        name,
      );
      assert.equal((await Deno.stat(`${to.directory}/${name}`)).mode, 0o100600, name);
    }
    assert.equal((await Deno.stat(to.images)).mode, 0o40700);
    assert.deepEqual(namesIn(to.directory), [
      "checkpoint.json",
      "deleted.files",
      "images",
      "network.status",
      "rootfs-diff.tar",
      "work",
    ]);
  });
}

test("C02 the archive has podman's layout, and what tells what it is comes first", async () => {
  await using place = await folder();
  const entries = await entriesOf(await exported(place.path));
  assert.deepEqual(entries.map(({ path }) => path), [
    "config.dump",
    "spec.dump",
    "stats-dump",
    "dump.log",
    "deleted.files",
    "rootfs-diff.tar",
    "checkpoint",
    "checkpoint/inventory.img",
    "checkpoint/pages-1.img",
  ]);
  const dump: unknown = JSON.parse(entries[0]?.text ?? "");
  assert.ok(typeof dump === "object" && dump !== null && "id" in dump && "createdTime" in dump && "name" in dump);
  assert.deepEqual([dump.id, dump.name, dump.createdTime], ["c0ffee", "web", "2023-11-14T22:13:20.000Z"]);
});

test("C02 podman's archives are imported; what gantry has no use for is named", async () => {
  await using place = await folder();
  const store = openCheckpoints(place.path);
  const { record, ignored } = await importCheckpoint(streamOf(await tarOf(...podman)), { store, ref: target });
  assert.deepEqual(ignored, ["artifacts", "ctr.log", "volumes"]);
  assert.equal(record.containerName, "web");
  assert.equal(record.createdAt, Date.UTC(2024, 4, 6, 7, 8, 9, 123));
  assert.deepEqual(record.rootfs, { path: "/rootfs", overlay: true, saved: false });
  assert.deepEqual(namesIn(store.paths(target).directory), ["checkpoint.json", "images", "work"]);
});

test("C02 an archive that is cut anywhere is refused whole, and nothing of it is left", async () => {
  await using place = await folder();
  const whole = await exported(place.path);
  for (let length = 0; length < whole.length; length += 6007) {
    assert.ok(["data_loss"].includes((await refused(place.path, whole.slice(0, length))).code), `cut at ${length}`);
  }
});

test("X01 an archive with an entry that could do harm is refused whole, and the entry is named", async () => {
  await using place = await folder();
  const inner = await tarOf({ name: "../escape", content: "x" });
  const attacks: readonly (readonly [Sample, string])[] = [
    [{ name: "/etc/passwd", content: "x" }, "/etc/passwd"],
    [{ name: "checkpoint/../../x", content: "x" }, "checkpoint/../../x"],
    [{ name: "checkpoint/parent", type: "symlink", linkname: "/etc" }, "checkpoint/parent"],
    [{ name: "checkpoint/hard", type: "link", linkname: "config.dump" }, "checkpoint/hard"],
    [{ name: "checkpoint/dev", type: "character-device", device: { major: 1, minor: 1 } }, "checkpoint/dev"],
    [{ name: "checkpoint/fifo", type: "fifo" }, "checkpoint/fifo"],
    [{ name: "checkpoint/inventory.img", content: "again" }, "checkpoint/inventory.img"],
    [{ name: "checkpoint", content: "a file" }, "checkpoint"],
    [{ name: "deleted.files", type: "directory" }, "deleted.files"],
    [{ name: `checkpoint/${"x".repeat(256)}`, content: "" }, "checkpoint/xxx"],
    [{ name: "rootfs-diff.tar", content: inner }, "../escape"],
    [{ name: "volumes/../../x", content: "" }, "volumes/../../x"],
  ];
  for (const [sample, named] of attacks) {
    const error = await refused(place.path, await tarOf(...podman, sample));
    assert.ok(error.message.includes(named), `${sample.name}: ${error.message}`);
  }
  assert.deepEqual(namesIn(place.path), ["checkpoints"]);
});

test("X01 an archive of something else, or with documents that are none, is refused with the reason", async () => {
  await using place = await folder();
  const without = (name: string): readonly Sample[] => podman.filter((sample) => sample.name !== name);
  const changed = (name: string, content: string): readonly Sample[] => [...without(name), { name, content }];
  const cases: readonly (readonly [readonly Sample[], RegExp])[] = [
    [[], /no config\.dump/],
    [without("config.dump"), /no config\.dump/],
    [without("spec.dump"), /no spec\.dump/],
    [without("checkpoint/inventory.img"), /no checkpoint\/inventory\.img/],
    [changed("config.dump", "{"), /config\.dump is not JSON/],
    [changed("config.dump", "[]"), /config\.dump is no object/],
    [changed("config.dump", '{"gantry":{"id":"x"}}'), /describes no checkpoint/],
    [changed("spec.dump", '{"ociVersion":1}'), /spec\.dump/],
    [changed("spec.dump", `${'{"a":'.repeat(50)}1${"}".repeat(50)}`), /nested too deeply/],
    [[...podman, { name: "deleted.files", content: '["/a/../../b"]' }], /\.\./],
    [[...podman, { name: "rootfs-diff.tar", content: "not a tar" }], /truncated/],
  ];
  for (const [samples, reason] of cases) {
    assert.match((await refused(place.path, await tarOf(...samples))).message, reason);
  }
});

test("X01 changed bytes anywhere in an archive give an error or a checkpoint, never a crash or a half", async () => {
  await using place = await folder();
  const whole = await exported(place.path);
  const store = openCheckpoints(place.path);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      async (changes) => {
        const changed = whole.slice();
        // Mostly headers and documents: the pages are the larger part, and any bytes do there.
        for (const [at, byte] of changes) changed[at % 3 === 0 ? at : at % 12_000] = byte;
        try {
          await importCheckpoint(streamOf(changed, 5000), { store, ref: target });
          await store.inspect(target);
          await store.remove(target);
        } catch (error) {
          assert.ok(error instanceof GantryError, String(error));
          assert.deepEqual(await store.list({ namespace: "other" }), { checkpoints: [], broken: [] });
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("an import does not replace a checkpoint, and lets go of its source when it is refused", async () => {
  await using place = await folder();
  const store = openCheckpoints(place.path);
  await makeCheckpoint(place.path);
  let cancelled = false;
  const source = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
  await assert.rejects(importCheckpoint(source, { store, ref }), (error) => isCode(error, "already_exists"));
  assert.ok(cancelled);
  await assert.rejects(importCheckpointFile("/none", { store, ref: target }), (error) => isCode(error, "not_found"));
});

test("an aborted import and an aborted export end with the reason and leave nothing", async () => {
  await using place = await folder();
  const record = await makeCheckpoint(place.path, { images: { "pages-2.img": new Uint8Array(5 << 20) } });
  const store = openCheckpoints(place.path);
  const paths = store.paths(ref);
  const controller = new AbortController();
  const reason = new Error("enough");
  const data = await bytesOf(await checkpointArchive({ record, paths }));
  let pieces = 0;
  const source = streamOf(data, 65536).pipeThrough(
    new TransformStream({
      transform(piece, stream) {
        if (++pieces === 20) controller.abort(reason);
        stream.enqueue(piece);
      },
    }),
  );
  const { signal } = controller;
  await assert.rejects(importCheckpoint(source, { store, ref: target }, { signal }), (error) => error === reason);
  assert.deepEqual(namesIn(`${place.path}/checkpoints/other`), []);
  const exporting = exportCheckpoint({ record, paths }, `${place.path}/x.tar`, { signal });
  await assert.rejects(exporting, (error) => error === reason);
  assert.deepEqual(namesIn(place.path), ["checkpoints"]);
});

test(
  "a full disk leaves nothing half-made of an export or an import, and the old file stays",
  { skip: needsRoot() },
  async () => {
    await using place = await folder();
    await using disk = await smallDisk("512k");
    const images = { "pages-2.img": new Uint8Array(2 << 20) };
    const record = await makeCheckpoint(place.path, { images });
    const paths = openCheckpoints(place.path).paths(ref);
    const file = `${disk.path}/x.tar`;
    await Deno.writeTextFile(file, "old");
    const full = (error: unknown): boolean => isCode(error, "resource_exhausted");
    await assert.rejects(exportCheckpoint({ record, paths }, file), full);
    assert.equal(await Deno.readTextFile(file), "old");
    assert.deepEqual(namesIn(disk.path), ["x.tar"]);
    const store = openCheckpoints(disk.path);
    const archive = await checkpointArchive({ record, paths }, { compression: "gzip" });
    await assert.rejects(importCheckpoint(archive, { store, ref: target }), full);
    assert.deepEqual(namesIn(`${disk.path}/checkpoints/other`), []);
  },
);

test("what a killed import left makes way for the next, and is removed with the checkpoint", async () => {
  await using place = await folder();
  const store = openCheckpoints(place.path);
  const left = `${place.path}/checkpoints/other/beef/.imported.import`;
  await Deno.mkdir(`${left}/images`, { recursive: true });
  assert.deepEqual(await store.list({ namespace: "other" }), { checkpoints: [], broken: [] });
  await importCheckpoint(streamOf(await tarOf(...podman)), { store, ref: target });
  assert.deepEqual(namesIn(`${place.path}/checkpoints/other/beef`), ["imported"]);
  await store.remove(target);
  await Deno.mkdir(left, { recursive: true });
  await store.remove(target);
  assert.deepEqual(namesIn(`${place.path}/checkpoints/other`), []);
});
