import assert from "node:assert/strict";
import { containerPaths } from "../../../lib/engine/container_paths.ts";
import { ensureLogs } from "../../../lib/engine/detached_stdio.ts";
import { keepsStdin, wouldOverwriteLog } from "../../../lib/engine/start_stored.ts";
import { storedPlan } from "../../../lib/engine/stored_plan.ts";
import { openUnfinished } from "../../../lib/engine/unfinished.ts";
import { packJson, typeUrls } from "../../../lib/wire/any.ts";
import { test } from "../../support/test.ts";
import { temporaryDirectory } from "../base/directories.ts";

const id = "c".repeat(64);

/** The plan of a stored container with these labels. */
function planOf(root: string, terminal: boolean, labels: Readonly<Record<string, string>> = {}) {
  const process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/", terminal };
  const spec = packJson(typeUrls.spec, { ociVersion: "1.0.2", process, root: { path: "/rootfs" } });
  const record = { id, labels, image: "", runtime: "io.containerd.runc.v2", spec, createdAt: 0, updatedAt: 0 };
  return storedPlan(record, { instance: { root, state: root }, namespace: "default" });
}

test("only a terminal whose log has something in it would be written over", async () => {
  await using directory = await temporaryDirectory();
  const root = directory.path;
  const { stdoutLog } = containerPaths({ root, state: root }, "default", id);
  assert.equal(await wouldOverwriteLog(planOf(root, true)), false, "no log");
  await ensureLogs(planOf(root, true));
  assert.equal(await wouldOverwriteLog(planOf(root, true)), false, "an empty log");
  await Deno.writeTextFile(stdoutLog, "a word");
  assert.equal(await wouldOverwriteLog(planOf(root, true)), true);
  assert.equal(await wouldOverwriteLog(planOf(root, false)), false, "the shim appends");
  assert.equal(await wouldOverwriteLog(planOf(root, true, { "gantry/log": "none" })), false);
  await ensureLogs(planOf(root, true));
  assert.equal(await Deno.readTextFile(stdoutLog), "a word", "what is there stays");
});

test("an open stdin is remembered by a label", async () => {
  await using directory = await temporaryDirectory();
  assert.equal(keepsStdin(planOf(directory.path, false)), false);
  assert.equal(keepsStdin(planOf(directory.path, false, { "gantry/stdin": "true" })), true);
});

test("a container is marked while it is worked on, also when whoever did has died", async () => {
  await using directory = await temporaryDirectory();
  const root = directory.path;
  const marks = openUnfinished({ root, state: root }, "default");
  assert.equal(await marks.isMarked(id), false);
  marks.begin(id);
  assert.equal(await marks.isMarked(id), true);
  assert.equal(await marks.isMarked("d".repeat(64)), false);
  await marks.end(id);
  assert.equal(await marks.isMarked(id), false);
  await Deno.writeTextFile(`${root}/unfinished/default/${id}.${Deno.pid}.1`, "");
  assert.equal(await marks.isMarked(id), true);
});
