import assert from "node:assert/strict";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { readStat } from "../../../lib/base/proc.ts";
import { openCheckpoints } from "../../../lib/engine/checkpoint/checkpoint_store.ts";
import { findCheckpoint, findCheckpointed } from "../../../lib/engine/checkpoint/find_checkpoints.ts";
import { noteRestored } from "../../../lib/engine/checkpoint/lineage.ts";
import { type CheckpointVerbs, takeCheckpoint } from "../../../lib/engine/checkpoint/take_checkpoint.ts";
import { containerPaths } from "../../../lib/engine/container_paths.ts";
import { labelKeys } from "../../../lib/engine/container_plan.ts";
import { encodeRecordFile } from "../../../lib/engine/record_file.ts";
import type { CheckpointTaskRequest } from "../../../lib/wire/task.ts";
import { temporaryDirectory } from "../base/directories.ts";
import { test } from "../../support/test.ts";

const id = "c0ffee";
const spec = { ociVersion: "1.0.2", root: { path: "/rootfs" } };

/** An engine whose only container is this very process, and CRIU a function; it says what it was asked. */
async function engineOn(
  path: string,
  criu: (request: CheckpointTaskRequest) => Promise<void>,
): Promise<{ readonly engine: CheckpointVerbs; readonly asked: string[] }> {
  const asked: string[] = [];
  const instance = { root: `${path}/root`, state: `${path}/state` };
  const paths = containerPaths(instance, "default", id);
  await Deno.mkdir(paths.data, { recursive: true });
  const labels = { [labelKeys.name]: "web", [labelKeys.rootfs]: "/rootfs", [labelKeys.data]: paths.data };
  await Deno.writeTextFile(paths.recordFile, encodeRecordFile({ runtime: "io.containerd.runc.v2", labels }));
  const startTime = readStat(Deno.pid)?.startTime ?? 0n;
  const engine: CheckpointVerbs = {
    instance,
    namespace: "default",
    record: () => Promise.reject(new Error("the record is asked for")),
    running: () => Promise.resolve({ pid: Deno.pid, startTime, bundle: undefined, spec }),
    pause: () => Promise.resolve(void asked.push("pause")),
    resume: () => Promise.resolve(void asked.push("resume")),
    checkpoint(_id, request) {
      asked.push(`checkpoint${request.exit ? " exit" : ""}`);
      return criu(request);
    },
  };
  return { engine, asked };
}

/** What CRIU leaves of a dump that works. */
async function dumps({ images, work }: CheckpointTaskRequest): Promise<void> {
  await Deno.writeTextFile(`${images}/inventory.img`, "inventory");
  await Deno.writeTextFile(`${work}/dump.log`, "(00.1) Dumping finished successfully\n");
}

const ref = { namespace: "default", container: id, name: "one" };

test("a container on a directory is checkpointed with one call, and nothing is asked about it", async () => {
  await using place = await temporaryDirectory();
  const { engine, asked } = await engineOn(place.path, dumps);
  const criu = { tcpEstablished: true };
  const { record } = await takeCheckpoint(engine, id, { name: "one", leaveRunning: true, criu });
  assert.deepEqual(asked, ["checkpoint"]);
  assert.deepEqual(
    [record.containerName, record.leftRunning, record.options, record.rootfs, record.parent],
    ["web", true, criu, { path: "/rootfs", overlay: false, saved: false }, undefined],
  );
  assert.deepEqual((await openCheckpoints(engine.instance.root).inspect(ref)).id, record.id);
});

test("the parent is the checkpoint that the process was restored from, not one of a former life", async () => {
  await using place = await temporaryDirectory();
  const { engine } = await engineOn(place.path, dumps);
  const paths = containerPaths(engine.instance, "default", id);
  await noteRestored(paths, "former", 1);
  assert.equal((await takeCheckpoint(engine, id, { name: "one", leaveRunning: true })).record.parent, undefined);
  await noteRestored(paths, "parent", Deno.pid);
  assert.equal((await takeCheckpoint(engine, id, { name: "two", leaveRunning: true })).record.parent, "parent");
});

test("C04 a dump that fails keeps its log and not its images, and has CRIU's words", async () => {
  await using place = await temporaryDirectory();
  const { engine } = await engineOn(place.path, async ({ images, work }) => {
    await Deno.writeTextFile(`${images}/pages-1.img`, "pages");
    await Deno.writeTextFile(`${work}/dump.log`, "(00.1) Error (criu/x.c:1): something odd\n");
    throw new GantryError("unknown", "criu failed: type NOTIFY errno 0");
  });
  await assert.rejects(takeCheckpoint(engine, id, { name: "one" }), (error) => {
    assert.ok(isCode(error, "failed_precondition"));
    assert.match(error.message, /^cannot checkpoint web: something odd\n {2}log: .*\/work\/dump\.log$/);
    return true;
  });
  const paths = openCheckpoints(engine.instance.root).paths(ref);
  assert.deepEqual(Array.from(Deno.readDirSync(paths.directory), ({ name }) => name), ["work"]);
});

test("when nobody answers and CRIU was not at work, nothing is left and the error stays what it was", async () => {
  await using place = await temporaryDirectory();
  const { engine } = await engineOn(place.path, () => Promise.reject(new GantryError("unavailable", "gone")));
  await assert.rejects(takeCheckpoint(engine, id), (error) => isCode(error, "unavailable"));
  const left = await Array.fromAsync(Deno.readDir(`${engine.instance.root}/checkpoints/default`));
  assert.deepEqual(left, []);
});

test("an answer that is lost does not make a dump that worked a failure", async () => {
  await using place = await temporaryDirectory();
  const { engine } = await engineOn(place.path, async (request) => {
    await dumps(request);
    throw new GantryError("unavailable", "containerd was killed");
  });
  const { record } = await takeCheckpoint(engine, id, { name: "one", leaveRunning: true });
  assert.equal(record.name, "one");
});

test("a checkpoint whose maker died over the dump is complete when CRIU came to a good end, and only then", async () => {
  await using place = await temporaryDirectory();
  const { engine } = await engineOn(place.path, dumps);
  const store = openCheckpoints(engine.instance.root);
  const { record } = await takeCheckpoint(engine, id, { name: "one", leaveRunning: true });
  const {
    id: _id,
    namespace: _namespace,
    container: _container,
    name: _name,
    createdAt: _at,
    sizeBytes: _size,
    ...facts
  } = record;
  {
    await using made = await store.begin({ ...ref, name: "two" });
    await made.note(facts);
    await assert.rejects(store.inspect({ ...ref, name: "two" }), /is being made/);
  }
  await assert.rejects(store.inspect({ ...ref, name: "two" }), /never finished/);
  const { images, work } = store.paths({ ...ref, name: "two" });
  await dumps({
    images,
    work,
    exit: true,
    openTcp: false,
    externalUnixSockets: false,
    shellJob: false,
    fileLocks: false,
    emptyNamespaces: [],
  });
  assert.deepEqual((await store.list({ namespace: "default" })).checkpoints.map(({ name }) => name), ["one", "two"]);
  await assert.rejects(store.begin({ ...ref, name: "two" }), (error) => isCode(error, "already_exists"));
});

test("a checkpoint is found by the id, its start, and the name its container had; the newest without a name", async () => {
  await using place = await temporaryDirectory();
  const { engine } = await engineOn(place.path, dumps);
  const scope = { instance: engine.instance, namespace: "default" };
  await assert.rejects(findCheckpointed("web", scope), (error) => isCode(error, "not_found"));
  for (const name of ["one", "two"]) await takeCheckpoint(engine, id, { name, leaveRunning: true });
  for (const reference of ["web", "c0ffee", "c0f"]) assert.equal(await findCheckpointed(reference, scope), id);
  assert.equal((await findCheckpoint(id, scope)).record.name, "two");
  assert.equal((await findCheckpoint(id, { ...scope, name: "one" })).record.name, "one");
  await assert.rejects(findCheckpoint("beef", scope), /has no checkpoint/);
});
