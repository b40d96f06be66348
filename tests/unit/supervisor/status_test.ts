import assert from "node:assert/strict";
import fc from "fast-check";
import { writeFileAtomic } from "../../../lib/base/atomic_file.ts";
import { acquireLock } from "../../../lib/base/lock.ts";
import { bootId, type ProcessIdentity, readIdentity } from "../../../lib/base/proc.ts";
import { holderIdentity, holderText } from "../../../lib/supervisor/holder.ts";
import { writePidfile } from "../../../lib/supervisor/pidfile.ts";
import { readStatus } from "../../../lib/supervisor/read_status.ts";
import {
  downStatus,
  instanceState,
  parseStatus,
  type StatusRecord,
  statusText,
  type SupervisorStatus,
} from "../../../lib/supervisor/status.ts";
import { StatusWriter } from "../../../lib/supervisor/status_writer.ts";
import { waitForReady } from "../../../lib/supervisor/wait_for_ready.ts";
import { test } from "../../support/test.ts";
import { identityOf as identityOfProgram, running } from "../base/processes.ts";
import { type Place, place, withDirectories } from "./temporary.ts";

async function identityOf(pid: number): Promise<ProcessIdentity> {
  const identity = await readIdentity(pid);
  assert.ok(identity);
  return identity;
}

async function record(here: Place, status: Partial<SupervisorStatus> = {}): Promise<StatusRecord> {
  const me = await identityOf(Deno.pid);
  return {
    supervisor: me,
    containerd: me,
    report: undefined,
    status: {
      ...downStatus(here.paths),
      state: "serving",
      containerdPid: Deno.pid,
      supervisorPid: Deno.pid,
      version: "1.7.99",
      adopted: true,
      restarts: 3,
      uptimeSeconds: 1.5,
      lastFailure: { at: "2026-11-22T12:00:00.000Z", reason: "x" },
      ...status,
    },
  };
}

test("S22 a status that is written is read back", async () => {
  await using here = await place();
  const written = await record(here);
  assert.deepEqual(parseStatus(statusText(written)), written);
  const bare: StatusRecord = { ...written, containerd: undefined, status: downStatus(here.paths) };
  assert.deepEqual(parseStatus(statusText(bare))?.status.state, "down");
});

test("X01 any text is a status or none", () => {
  const statusish = fc.record({
    supervisor: fc.oneof(fc.anything(), fc.constant({ pid: 1, startTime: "1", executable: "/x" })),
    status: fc.oneof(
      fc.anything(),
      fc.record({ state: fc.anything(), address: fc.anything(), config: fc.string(), logFile: fc.string() }),
    ),
  }).map((value) => {
    try {
      return JSON.stringify(value);
    } catch {
      return "";
    }
  });
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), statusish), (text) => {
    const parsed = parseStatus(text ?? "");
    assert.ok(parsed === undefined || typeof parsed.status.state === "string");
  }));
});

test("S22 each state of the machine has a word", () => {
  const word = (state: Parameters<typeof instanceState>[0], delayed = false): string =>
    instanceState(state, { delayed });
  assert.equal(word({ name: "down" }), "down");
  assert.equal(word({ name: "launching", first: true }), "starting");
  assert.equal(word({ name: "launching", first: false }), "restarting");
  assert.equal(word({ name: "starting", first: true, adopted: false }), "starting");
  assert.equal(word({ name: "starting", first: false, adopted: false }), "restarting");
  assert.equal(word({ name: "serving", adopted: true, failures: 0 }), "serving");
  assert.equal(word({ name: "serving", adopted: true, failures: 1 }), "unhealthy");
  assert.equal(word({ name: "replacing", first: false, reason: "" }), "unhealthy");
  assert.equal(word({ name: "replacing", first: true, reason: "" }), "starting");
  assert.equal(word({ name: "recovering", first: false, reason: "" }), "restarting");
  assert.equal(word({ name: "recovering", first: false, reason: "" }, true), "failing");
  assert.equal(word({ name: "recovering", first: true, reason: "" }, true), "starting");
  assert.equal(word({ name: "failing", reason: "" }), "stopping");
  assert.equal(word({ name: "stopping", waitsFor: "exit" }), "stopping");
  assert.equal(word({ name: "ended", end: { reason: "stopped" } }), "down");
});

test("S22 an instance that was never started is down", async () => {
  await using here = await place();
  const status = await readStatus(here.options);
  assert.deepEqual(status, downStatus(here.paths));
});

test("S22 a stale status file is not believed: down, with the last failure it tells of", async () => {
  await using here = await withDirectories(await place());
  await writeFileAtomic(here.paths.status, statusText(await record(here)));
  const { state, containerdPid, supervisorPid, lastFailure } = await readStatus(here.options);
  assert.deepEqual([state, containerdPid, supervisorPid, lastFailure?.reason], ["down", undefined, undefined, "x"]);
});

test("S22 the status of the holder of the lock is believed, with the uptime of now", async () => {
  await using here = await withDirectories(await place());
  const written = await record(here);
  await writeFileAtomic(here.paths.status, statusText(written));
  await using _lock = await acquireLock(here.paths.lock, { content: holderText(written.supervisor) });
  const status = await readStatus(here.options);
  assert.deepEqual({ ...status, uptimeSeconds: 1.5 }, written.status);
  assert.ok((status.uptimeSeconds ?? 0) > 0);
});

test("S22 the status of an earlier supervisor is not believed while a new one starts", async () => {
  await using here = await withDirectories(await place());
  const written = await record(here);
  await writeFileAtomic(here.paths.status, statusText(written));
  const other = { ...written.supervisor, startTime: written.supervisor.startTime + 5n };
  await using _lock = await acquireLock(here.paths.lock, { content: holderText(other) });
  const { state, supervisorPid, containerdPid } = await readStatus(here.options);
  assert.deepEqual([state, supervisorPid, containerdPid], ["starting", Deno.pid, undefined]);
});

test("S22 a containerd that has just died is not shown as serving", async () => {
  await using here = await withDirectories(await place());
  const dead: ProcessIdentity = { pid: 2 ** 22 - 1, startTime: 1n, executable: "/x" };
  const written = { ...await record(here, { containerdPid: dead.pid }), containerd: dead };
  await writeFileAtomic(here.paths.status, statusText(written));
  await using _lock = await acquireLock(here.paths.lock, { content: holderText(written.supervisor) });
  const { state, containerdPid, version, uptimeSeconds } = await readStatus(here.options);
  assert.deepEqual([state, containerdPid, version, uptimeSeconds], ["restarting", undefined, undefined, undefined]);
});

test("S22 a containerd without a supervisor is an orphan", async () => {
  await using here = await withDirectories(await place());
  await using child = running("/bin/sleep", ["1000"]);
  const identity = await identityOfProgram(child.pid, await Deno.realPath("/bin/sleep"));
  await writePidfile(here.paths, {
    identity,
    bootId: await bootId(),
    address: "/other.sock",
    root: here.paths.root,
    version: "1.6.0",
    configHash: "",
  });
  const { state, containerdPid, address, version } = await readStatus(here.options);
  assert.deepEqual([state, containerdPid, address, version], ["orphaned", child.pid, "/other.sock", "1.6.0"]);
});

test("the holder's identity survives its lock file, and nothing else is one", async () => {
  const me = await identityOf(Deno.pid);
  assert.deepEqual(holderIdentity(holderText(me)), me);
  for (const text of [undefined, "", "123", "{}", '{"pid":0,"startTime":"1","executable":""}']) {
    assert.equal(holderIdentity(text), undefined);
  }
});

test("the status writer ends with the newest status and survives a disk that refuses", async () => {
  await using here = await withDirectories(await place());
  const writer = new StatusWriter(here.paths.status);
  for (let restarts = 0; restarts < 50; restarts++) writer.write(await record(here, { restarts }));
  await writer.flush();
  assert.equal(parseStatus(await Deno.readTextFile(here.paths.status))?.status.restarts, 49);
  const lost = new StatusWriter(`${here.path}/nowhere/status.json`);
  lost.write(await record(here));
  await lost.flush();
  await Deno.mkdir(`${here.path}/nowhere`);
  lost.write(await record(here, { restarts: 7 }));
  await lost.flush();
  assert.equal(parseStatus(await Deno.readTextFile(`${here.path}/nowhere/status.json`))?.status.restarts, 7);
});

test("waitForReady() tells serving from an end with and without a report", async () => {
  await using here = await withDirectories(await place());
  const child = running("/bin/sleep", ["1000"]);
  const supervisor = await identityOfProgram(child.pid, await Deno.realPath("/bin/sleep"));
  const waiting = waitForReady({ ...here.options, pid: child.pid });
  await writeFileAtomic(here.paths.status, statusText(await record(here)));
  const serving = { ...await record(here, { state: "serving" }), supervisor };
  await writeFileAtomic(here.paths.status, statusText(serving));
  const result = await waiting;
  assert.ok(result.ready && result.status.state === "serving");

  const down = { ...await record(here, { state: "down" }), supervisor, report: "containerd did not start" };
  await writeFileAtomic(here.paths.status, statusText(down));
  const failing = waitForReady({ ...here.options, pid: child.pid });
  await child[Symbol.asyncDispose]();
  assert.deepEqual(await failing, { ready: false, report: "containerd did not start" });
  await writeFileAtomic(here.paths.status, statusText(await record(here)));
  assert.deepEqual(await waitForReady({ ...here.options, pid: child.pid }), { ready: false, report: undefined });
});
