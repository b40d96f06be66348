import assert from "node:assert/strict";
import * as files from "../../../lib/base/atomic_file.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { needsRoot, test } from "../../support/test.ts";
import { namesIn, smallDisk, temporaryDirectory } from "./directories.ts";

test("writeFileAtomic() writes text and bytes, and nothing else stays in the directory", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  await files.writeFileAtomic(path, "grün\n");
  assert.equal(await Deno.readTextFile(path), "grün\n");
  await files.writeFileAtomic(path, Uint8Array.of(0, 255, 10));
  assert.deepEqual(await Deno.readFile(path), Uint8Array.of(0, 255, 10));
  await files.writeFileAtomic(path, "");
  assert.equal((await Deno.stat(path)).size, 0);
  assert.deepEqual(namesIn(directory.path), ["file"]);
});

test("X02 writeFileAtomic() makes files 0600 by default, and of the mode asked whatever the umask", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  const umask = Deno.umask(0o077);
  try {
    await files.writeFileAtomic(path, "x");
    assert.equal((await Deno.stat(path)).mode, 0o100600);
    await files.writeFileAtomic(path, "x", { mode: 0o644 });
    assert.equal((await Deno.stat(path)).mode, 0o100644);
  } finally {
    Deno.umask(umask);
  }
});

test("writeFileAtomic() replaces the name: who has the old file open keeps the old content", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  await files.writeFileAtomic(path, "old");
  using old = await Deno.open(path);
  await files.writeFileAtomic(path, "new");
  assert.equal(await new Response(old.readable).text(), "old");
  assert.equal(await Deno.readTextFile(path), "new");
});

test("writeFileAtomic() replaces a symbolic link and leaves its target alone", async () => {
  await using directory = await temporaryDirectory();
  await Deno.writeTextFile(`${directory.path}/target`, "precious");
  await Deno.symlink(`${directory.path}/target`, `${directory.path}/link`);
  await files.writeFileAtomic(`${directory.path}/link`, "new");
  assert.equal(await Deno.readTextFile(`${directory.path}/target`), "precious");
  assert.equal((await Deno.lstat(`${directory.path}/link`)).isSymlink, false);
});

test("writeFileAtomic() works with a relative path", async () => {
  await using directory = await temporaryDirectory();
  const before = Deno.cwd();
  try {
    Deno.chdir(directory.path);
    await files.writeFileAtomic("file", "x");
  } finally {
    Deno.chdir(before);
  }
  assert.deepEqual(namesIn(directory.path), ["file"]);
});

test("S19 a full disk leaves the old file intact and no temporary one", { skip: needsRoot() }, async () => {
  await using disk = await smallDisk("64k");
  const path = `${disk.path}/config`;
  await files.writeFileAtomic(path, "old");
  await assert.rejects(files.writeFileAtomic(path, new Uint8Array(128 * 1024)), (error) => {
    assert.ok(isCode(error, "resource_exhausted"));
    assert.equal(error.message, `cannot write ${path}: ENOSPC`);
    assert.match(error.hint ?? "", /free some space/);
    return true;
  });
  await disk.fill();
  await assert.rejects(files.writeFileAtomic(path, "new"), (error) => isCode(error, "resource_exhausted"));
  assert.equal(await Deno.readTextFile(path), "old");
  assert.deepEqual(namesIn(disk.path), ["config", "filler"]);
});

test("writeFileAtomic() names the path when the directory is missing or the target is a directory", async () => {
  await using directory = await temporaryDirectory();
  const missing = `${directory.path}/no/file`;
  await assert.rejects(files.writeFileAtomic(missing, "x"), (error) => {
    assert.ok(isCode(error, "not_found"));
    assert.equal(error.message, `cannot write ${missing}: ENOENT`);
    return true;
  });
  await Deno.mkdir(`${directory.path}/taken`);
  await assert.rejects(files.writeFileAtomic(`${directory.path}/taken`, "x"), (error) => {
    assert.ok(isCode(error, "failed_precondition"));
    return true;
  });
  assert.deepEqual(namesIn(directory.path), ["taken"]);
});

test("many writers at once: the file is always one of theirs, whole", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(5000));
  await Promise.all(contents.map((content) => files.writeFileAtomic(path, content)));
  assert.ok(contents.includes(await Deno.readTextFile(path)));
  assert.deepEqual(namesIn(directory.path), ["file"]);
});

test("removeStaleTemporaries() removes what killed writers left, and nothing else", async () => {
  await using directory = await temporaryDirectory();
  const stale = `${directory.path}/.config.toml.4242-0123456789ab.tmp`;
  for (const name of ["config.toml", ".hidden", "x.tmp", ".x.12-zz.tmp"]) {
    await Deno.writeTextFile(`${directory.path}/${name}`, "");
  }
  await Deno.writeTextFile(stale, "");
  assert.deepEqual(await files.removeStaleTemporaries(directory.path), [stale]);
  assert.deepEqual(namesIn(directory.path), [".hidden", ".x.12-zz.tmp", "config.toml", "x.tmp"]);
  assert.deepEqual(await files.removeStaleTemporaries(`${directory.path}/missing`), []);
});

test("a writer killed by SIGKILL at any moment leaves the old content or the new", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  const program = new URL("./fixtures/endless_writer.ts", import.meta.url).pathname;
  const whole = /^(a{4096}|b{4096})$/;
  for (let round = 0; round < 5; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, path],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assert.match(await Deno.readTextFile(path), whole);
  }
  await files.removeStaleTemporaries(directory.path);
  assert.deepEqual(namesIn(directory.path), ["file"]);
});

test("removeIfExists() says whether there was something, and names what cannot be removed", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  await Deno.writeTextFile(path, "");
  assert.equal(await files.removeIfExists(path), true);
  assert.equal(await files.removeIfExists(path), false);
  await Deno.mkdir(`${directory.path}/full/inner`, { recursive: true });
  await assert.rejects(files.removeIfExists(`${directory.path}/full`), (error) => {
    assert.ok(isCode(error, "failed_precondition"));
    assert.match(error.message, /cannot remove .*full: ENOTEMPTY/);
    return true;
  });
});

test("readTextIfExists() and readJsonIfExists() give undefined for no file and an error for a bad one", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/file`;
  assert.equal(await files.readTextIfExists(path), undefined);
  assert.equal(await files.readJsonIfExists(path), undefined);
  await Deno.writeTextFile(path, '{"a":1}');
  assert.equal(await files.readTextIfExists(path), '{"a":1}');
  assert.deepEqual(await files.readJsonIfExists(path), { a: 1 });
  await Deno.writeTextFile(path, '{"a":');
  await assert.rejects(files.readJsonIfExists(path), (error) => {
    assert.ok(isCode(error, "data_loss"));
    assert.ok(error.message.startsWith(`${path} is not JSON`));
    return true;
  });
  await assert.rejects(files.readTextIfExists(directory.path), (error) => isCode(error, "failed_precondition"));
});
