import assert from "node:assert/strict";
import { errnoOf } from "../../../lib/base/errno.ts";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { bootId, type ProcessIdentity, readIdentity } from "../../../lib/base/proc.ts";
import {
  livingPidRecord,
  type PidRecord,
  readPid,
  readPidRecord,
  removePidfile,
  writePidfile,
} from "../../../lib/supervisor/pidfile.ts";
import { findRunning } from "../../../lib/supervisor/running.ts";
import { hangs, writeFake } from "../../support/fakes/fake_containerd.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";
import { namesIn, smallDisk } from "../base/directories.ts";
import { eventually, running } from "../base/processes.ts";
import { type Place, place, withDirectories } from "./temporary.ts";

async function self(): Promise<ProcessIdentity> {
  const identity = await readIdentity(Deno.pid);
  assert.ok(identity);
  return identity;
}

async function record(here: Place, change: Partial<PidRecord> = {}): Promise<PidRecord> {
  return {
    identity: await self(),
    bootId: await bootId(),
    address: here.paths.address,
    root: here.paths.root,
    version: "1.7.99",
    configHash: "abc",
    ...change,
  };
}

test("S07 what is written is read back, and the pidfile is a plain number", async () => {
  await using here = await withDirectories(await place());
  const written = await record(here);
  await writePidfile(here.paths, written);
  assert.equal(await Deno.readTextFile(here.paths.pidfile), `${Deno.pid}\n`);
  assert.deepEqual(await readPidRecord(here.paths.identity), written);
  assert.deepEqual(await livingPidRecord(here.paths), written);
  await removePidfile(here.paths);
  assert.deepEqual(namesIn(here.paths.state), []);
  await removePidfile(here.paths);
});

test("S07 a pidfile counts only if pid, start time, program and boot are those of a live process", async () => {
  await using here = await withDirectories(await place());
  const me = await self();
  const wrong: readonly Partial<PidRecord>[] = [
    { identity: { ...me, startTime: me.startTime + 1n } },
    { identity: { ...me, executable: "/usr/bin/containerd" } },
    { identity: { ...me, pid: 1 } },
    { identity: { ...me, pid: 2 ** 22 - 1 } },
    { bootId: "00000000-0000-0000-0000-000000000000" },
  ];
  for (const change of wrong) {
    await writePidfile(here.paths, await record(here, change));
    assert.equal(await livingPidRecord(here.paths), undefined);
  }
});

test("S07 a pidfile with another number than its record, or without a record, is not believed", async () => {
  await using here = await withDirectories(await place());
  await writePidfile(here.paths, await record(here));
  await Deno.writeTextFile(here.paths.pidfile, "1\n");
  assert.equal(await livingPidRecord(here.paths), undefined);
  await Deno.writeTextFile(here.paths.pidfile, `${Deno.pid}\n`);
  assert.ok(await livingPidRecord(here.paths));
  for (const text of ["", "{}", "null", "[1]", '{"identity":{"pid":1}}', "\0\0\0", '{"identity":']) {
    await Deno.writeTextFile(here.paths.identity, text);
    assert.equal(await livingPidRecord(here.paths), undefined, text);
  }
});

test("S07 a crash between the two writes leaves an identity that is enough", async () => {
  await using here = await withDirectories(await place());
  await writePidfile(here.paths, await record(here));
  await Deno.remove(here.paths.pidfile);
  assert.ok(await livingPidRecord(here.paths));
});

test("S09 malformed, empty, zero and negative pidfiles are none", async () => {
  await using here = await place();
  const path = `${here.path}/pid`;
  assert.equal(await readPid(path), undefined);
  for (
    const text of ["", "\n", "0", "-1", "-17", "1.5", "12x", "x", "1 2", "0x10", "1e3", "99999999999999999999", "١"]
  ) {
    await Deno.writeTextFile(path, text);
    assert.equal(await readPid(path), undefined, JSON.stringify(text));
  }
  await Deno.writeFile(path, new Uint8Array([0xff, 0xfe, 0, 0x31]));
  assert.equal(await readPid(path), undefined);
  for (const text of ["4711", "4711\n", " 4711 \n", "0004711"]) {
    await Deno.writeTextFile(path, text);
    assert.equal(await readPid(path), 4711);
  }
});

test("S09 an unreadable pidfile is an error that names it", async () => {
  await using here = await place();
  await Deno.mkdir(`${here.path}/pid`);
  await assert.rejects(readPid(`${here.path}/pid`), (error) => {
    return error instanceof GantryError && error.message.includes(`${here.path}/pid`);
  });
});

test("S09 a zombie is dead", async () => {
  await using here = await withDirectories(await place());
  // The shell's child ends; nobody asks for its status while the shell sleeps.
  const child = `echo $$ > ${here.path}/pid; while [ ! -e ${here.path}/go ]; do sleep 0.02; done`;
  await using parent = running("/bin/sh", ["-c", `sh -c '${child}' & exec sleep 1000`]);
  const pid = await eventually(() => readPid(`${here.path}/pid`));
  const identity = await eventually(() => readIdentity(pid));
  await writePidfile(here.paths, await record(here, { identity }));
  assert.ok(await livingPidRecord(here.paths));
  await Deno.writeTextFile(`${here.path}/go`, "");
  await eventually(async () => (await Deno.readTextFile(`/proc/${pid}/stat`)).includes(") Z "));
  assert.equal(await livingPidRecord(here.paths), undefined);
  assert.ok(parent.pid);
});

test("S19 a full disk leaves the old pidfile intact", { skip: firstReason(needsRoot()) }, async () => {
  await using disk = await smallDisk("64k");
  await using here = await place({ state: `${disk.path}/s` });
  await Deno.mkdir(here.paths.state);
  await writePidfile(here.paths, await record(here));
  await disk.fill();
  const other = await record(here, { identity: { pid: 1, startTime: 1n, executable: "/sbin/init" } });
  await assert.rejects(writePidfile(here.paths, other), (error) => {
    return isCode(error, "resource_exhausted") && error.message.includes(here.paths.state);
  });
  assert.equal(await readPid(here.paths.pidfile), Deno.pid);
  assert.ok(await livingPidRecord(here.paths));
});

test("S10 a containerd is found by its command line when its pidfile was never written", async () => {
  await using here = await withDirectories(await place());
  const program = await writeFake(`${here.path}/containerd`, { body: "while :; do sleep 0.1; done" });
  await Deno.writeTextFile(here.paths.config, "");
  assert.equal(await findRunning(here.paths), undefined);
  await using child = running(program, ["--config", here.paths.config]);
  const found = await eventually(() => findRunning(here.paths));
  assert.deepEqual([found.identity.pid, found.record], [child.pid, undefined]);
});

test("S09 a process that ends while it is looked at is gone, and nothing else", async () => {
  for (const name of ["cmdline", "stat", "status"]) {
    const child = running("/bin/sleep", ["1000"]);
    using file = Deno.openSync(`/proc/${child.pid}/${name}`);
    await child[Symbol.asyncDispose]();
    // The kernel's own error: opened while it lived, read when it was dead. Deno gives it no code.
    assert.throws(() => file.readSync(new Uint8Array(100)), (error) => errnoOf(error) === "ESRCH", name);
  }
  await using here = await withDirectories(await place());
  await Deno.writeTextFile(here.paths.config, "");
  const end = performance.now() + 1500;
  while (performance.now() < end) {
    const children = Array.from({ length: 6 }, () => running("/bin/true", []));
    for (let look = 0; look < 3; look++) {
      assert.equal(await findRunning(here.paths), undefined);
      for (const { pid } of children) await readIdentity(pid);
    }
    for (const child of children) await child.status;
  }
});

test("S07 processes with a similar command line are not taken for containerd", async () => {
  await using here = await withDirectories(await place());
  const program = await writeFake(`${here.path}/containerd`, { body: hangs });
  await Deno.writeTextFile(here.paths.config, "");
  await using _other = running("/bin/sh", ["-c", "while :; do sleep 0.1; done", "--config", `${here.paths.config}2`]);
  await using _dump = running("/bin/sh", [
    "-c",
    "while :; do sleep 0.1; done",
    "--config",
    here.paths.config,
    "config",
  ]);
  await using _word = running("/bin/sh", ["-c", "while :; do sleep 0.1; done", here.paths.config]);
  assert.equal(await findRunning(here.paths), undefined);
  assert.ok(program);
});
