import assert from "node:assert/strict";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { check, cString, lastErrno, libc, loadLibc } from "../../../lib/base/libc.ts";
import * as files from "../../../lib/base/libc_files.ts";
import { needsRoot, test } from "../../support/test.ts";
import { smallDisk, temporaryDirectory } from "./directories.ts";

loadLibc();

test("a failed call gives the errno's name, the path and the class of error", async () => {
  await using directory = await temporaryDirectory();
  const fifo = `${directory.path}/fifo`;
  files.mkfifo(fifo, 0o600);
  const cases = [
    [() => files.mkfifo(fifo, 0o600), "already_exists", `cannot make the FIFO ${fifo}: EEXIST`],
    [() => files.openFd("/nonexistent/x", 0), "not_found", "cannot open /nonexistent/x: ENOENT"],
    [() => files.umount(directory.path), "invalid_argument", `cannot unmount ${directory.path}: EINVAL`],
    [() => files.closeFd(-5), "internal", "cannot close descriptor -5: EBADF"],
    [
      () => files.openFd(fifo, files.openFlags.writeOnly | files.openFlags.nonBlocking),
      "unavailable",
      `cannot open ${fifo}: ENXIO`,
    ],
  ] as const;
  for (const [action, code, message] of cases) assert.throws(action, { name: "GantryError", code, message });
});

test("errno is right after 10 000 calls that fail in turn", () => {
  const missing = cString("/nonexistent/x");
  const notDirectory = cString("/proc/version/x");
  for (let i = 0; i < 10_000; i++) {
    assert.equal(libc().open(i % 2 === 0 ? missing : notDirectory, 0, 0), -1);
    assert.equal(lastErrno(), i % 2 === 0 ? 2 : 20);
  }
});

test("check() passes a result on and throws on -1 only", () => {
  assert.equal(check(0, "x"), 0);
  assert.equal(check(7n, "x"), 7);
  assert.throws(() => check(-1, "do it"), GantryError);
});

test("cString() ends with a NUL and refuses one inside", () => {
  assert.deepEqual(cString("aä"), Uint8Array.of(97, 0xc3, 0xa4, 0));
  assert.throws(() => cString("/tmp/x\0/../etc"), (error) => isCode(error, "invalid_argument"));
  assert.throws(() => files.mkfifo("a\0b", 0o600), (error) => isCode(error, "invalid_argument"));
});

test("mkfifo() makes a FIFO that carries data", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/fifo`;
  files.mkfifo(path, 0o600);
  const info = await Deno.stat(path);
  assert.equal(info.isFifo, true);
  assert.equal(info.mode, 0o010600);
  const [text] = await Promise.all([Deno.readTextFile(path), Deno.writeTextFile(path, "through")]);
  assert.equal(text, "through");
});

test("openFd() creates with the mode given, and closes on exec only when asked", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  const { create, writeOnly, closeOnExec } = files.openFlags;
  const open = files.openFd(path, create | writeOnly, 0o640);
  const closing = files.openFd(path, writeOnly | closeOnExec);
  try {
    assert.equal((await Deno.stat(path)).mode, 0o100640);
    assert.equal(files.isCloseOnExec(open), false);
    assert.equal(files.isCloseOnExec(closing), true);
  } finally {
    files.closeFd(open);
    files.closeFd(closing);
  }
});

for (const mark of [files.closeOnExecFrom, files.closeOnExecOneByOne]) {
  test(`S03 ${mark.name}() keeps descriptors from children, and leaves those below the first alone`, async () => {
    await using directory = await temporaryDirectory();
    const path = `${directory.path}/leak`;
    await Deno.writeTextFile(path, "");
    const fd = files.openFd(path, files.openFlags.readOnly);
    try {
      assert.ok((await descriptorsOfChild()).includes(path), "without it, the child inherits the descriptor");
      mark(fd + 1);
      assert.equal(files.isCloseOnExec(fd), false);
      mark(3);
      assert.equal(files.isCloseOnExec(fd), true);
      assert.equal((await descriptorsOfChild()).includes(path), false);
      assert.equal((await Deno.stat(`/proc/self/fd/${fd}`)).isFile, true, "here it stays open");
    } finally {
      files.closeFd(fd);
    }
  });
}

test("punchHole() frees the blocks and keeps size and the rest of the data", { skip: needsRoot() }, async () => {
  await using disk = await smallDisk("256k");
  const path = `${disk.path}/log`;
  await Deno.writeFile(path, new Uint8Array(128 * 1024).fill(120));
  const fd = files.openFd(path, files.openFlags.readWrite | files.openFlags.closeOnExec);
  try {
    files.punchHole(fd, 0, 120 * 1024);
    const info = await Deno.stat(path);
    assert.equal(info.size, 128 * 1024);
    assert.equal(info.blocks, 8 * 1024 / 512);
    const data = await Deno.readFile(path);
    assert.ok(data.subarray(0, 120 * 1024).every((byte) => byte === 0));
    assert.ok(data.subarray(120 * 1024).every((byte) => byte === 120));
    assert.throws(() => files.punchHole(fd, 0, 0), (error) => isCode(error, "invalid_argument"));
  } finally {
    files.closeFd(fd);
  }
});

test("mount() and umount() mount, bind, and take off again", { skip: needsRoot() }, async () => {
  await using disk = await smallDisk("64k");
  await Deno.mkdir(`${disk.path}/from`);
  await Deno.mkdir(`${disk.path}/to`);
  await Deno.writeTextFile(`${disk.path}/from/file`, "x");
  files.mount(`${disk.path}/from`, `${disk.path}/to`, { flags: files.mountFlags.bind });
  assert.equal(await Deno.readTextFile(`${disk.path}/to/file`), "x");
  files.umount(`${disk.path}/to`);
  await assert.rejects(Deno.stat(`${disk.path}/to/file`), Deno.errors.NotFound);
  assert.throws(() => files.mount("none", `${disk.path}/to`, { type: "nosuchfs" }), (error) => {
    assert.ok(error instanceof GantryError);
    assert.equal(error.message, `cannot mount none on ${disk.path}/to: ENODEV`);
    return true;
  });
});

async function descriptorsOfChild(): Promise<string> {
  const { stdout } = await new Deno.Command("ls", { args: ["-l", "/proc/self/fd"] }).output();
  return new TextDecoder().decode(stdout);
}
