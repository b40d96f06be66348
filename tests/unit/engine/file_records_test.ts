import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { loadLibc } from "../../../lib/base/libc.ts";
import type { ContainerRecords, NewRecord } from "../../../lib/engine/container_records.ts";
import { fileRecords } from "../../../lib/engine/file_records.ts";
import { packJson, typeUrls, unpackJson } from "../../../lib/wire/any.ts";
import { newId } from "../../../lib/wire/identifier.ts";
import { needsRoot, test } from "../../support/test.ts";
import { namesIn, smallDisk, temporaryDirectory } from "../base/directories.ts";

loadLibc();

const now = 1_700_000_000_000;

function recordsIn(root: string): ContainerRecords {
  return fileRecords({ instance: { root, state: root }, namespace: "n", now: () => now });
}

/** A record, whose data directory is made as `reserve` does. */
async function described(root: string, labels: Readonly<Record<string, string>> = {}): Promise<NewRecord> {
  const id = newId();
  await Deno.mkdir(`${root}/containers/n/${id}`, { recursive: true });
  // A number that JavaScript would round.
  const value = new TextEncoder().encode(
    '{"ociVersion":"1.0.2","linux":{"resources":{"pids":{"limit":9007199254740993}}}}',
  );
  return { id, labels, runtime: "io.containerd.runc.v2", spec: { typeUrl: typeUrls.spec, value } };
}

test("a record comes back as it was given, its spec byte by byte, whether it is synced or not", async () => {
  await using directory = await temporaryDirectory();
  const records = recordsIn(directory.path);
  for (const labels of [{ a: "b", "gantry/name": "web" }, { "gantry/auto-remove": "true" }]) {
    const given = await described(directory.path, labels);
    await records.create(given);
    const { id, runtime, spec } = given;
    assert.deepEqual(await records.get(id), { id, runtime, labels, image: "", createdAt: now, spec });
    assert.deepEqual(namesIn(`${directory.path}/containers/n/${id}`), ["record.json", "spec.json"]);
    await assert.rejects(records.create(given), (error) => isCode(error, "already_exists"));
  }
  assert.equal((await records.list()).length, 2);
});

test("T12 a record is found by its name and by the start of its id", async () => {
  await using directory = await temporaryDirectory();
  const records = recordsIn(directory.path);
  const web = await described(directory.path, { "gantry/name": "web" });
  const other = await described(directory.path);
  for (const record of [web, other]) await records.create(record);
  assert.deepEqual((await records.find("web")).map(({ id }) => id), [web.id]);
  assert.deepEqual((await records.find(other.id.slice(0, 20))).map(({ id }) => id), [other.id]);
  assert.deepEqual(await records.find("none"), []);
});

test("labels and spec are changed one without the other; what is not named stays", async () => {
  await using directory = await temporaryDirectory();
  const records = recordsIn(directory.path);
  const given = await described(directory.path, { a: "1", b: "2" });
  await records.create(given);
  await records.update(given.id, { labels: { b: "3", c: "4" } });
  const labelled = await records.get(given.id);
  assert.deepEqual([labelled.labels, labelled.spec], [{ a: "1", b: "3", c: "4" }, given.spec]);
  await records.update(given.id, { spec: packJson(typeUrls.spec, { ociVersion: "9" }) });
  const respecified = await records.get(given.id);
  assert.deepEqual([respecified.labels, unpackJson(respecified.spec)], [labelled.labels, { ociVersion: "9" }]);
});

test("what is removed, or never was, is not_found; a bad id never becomes a path", async () => {
  await using directory = await temporaryDirectory();
  const records = recordsIn(directory.path);
  const given = await described(directory.path);
  await records.create(given);
  await records.delete(given.id);
  assert.deepEqual(namesIn(`${directory.path}/containers/n/${given.id}`), []);
  // One after the other: of those begun at once, one could fail before it is looked at.
  const calls = [
    () => records.get(given.id),
    () => records.delete(given.id),
    () => records.update(given.id, { labels: {} }),
  ];
  for (const call of calls) await assert.rejects(call, (error) => isCode(error, "not_found"));
  for (const id of ["../x", "", "a/b"]) {
    await assert.rejects(records.get(id), (error) => isCode(error, "invalid_argument"));
  }
  assert.deepEqual(await recordsIn(`${directory.path}/nowhere`).list(), []);
});

test("a record that is no record is data_loss, names its file and the way out, and does not hide the others", async () => {
  await using directory = await temporaryDirectory();
  const records = recordsIn(directory.path);
  const [broken, whole] = [await described(directory.path), await described(directory.path)];
  for (const record of [broken, whole]) await records.create(record);
  const path = `${directory.path}/containers/n/${broken.id}/record.json`;
  for (const text of ["", "{", "[]", '{"labels":{}}']) {
    await Deno.writeTextFile(path, text);
    await assert.rejects(records.get(broken.id), (error) => {
      assert.ok(isCode(error, "data_loss"));
      assert.ok(error.message.includes(path), error.message);
      return true;
    });
    assert.deepEqual((await records.list()).map(({ id }) => id), [whole.id]);
  }
});

test("a full disk is an error, and there is no container then", { skip: needsRoot() }, async () => {
  await using disk = await smallDisk("64k");
  const records = recordsIn(disk.path);
  const [synced, unsynced] = [await described(disk.path), await described(disk.path, { "gantry/auto-remove": "true" })];
  await disk.fill();
  for (const record of [synced, unsynced]) {
    await assert.rejects(records.create(record), (error) => isCode(error, "resource_exhausted"));
    await assert.rejects(records.get(record.id), (error) => isCode(error, "not_found"));
  }
  assert.deepEqual(await records.list(), []);
});
