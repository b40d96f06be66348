import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { loadLibc } from "../../../lib/base/libc.ts";
import { closeFd, openFd, openFlags } from "../../../lib/base/libc_files.ts";
import { openPipe, spawnDetached } from "../../../lib/base/spawn_detached.ts";
import { test } from "../../support/test.ts";
import { temporaryDirectory } from "./directories.ts";

loadLibc();

const path = "/usr/local/bin:/usr/bin:/bin";

test("a detached child has the given environment and directory, a session of its own, and no stream of ours", async () => {
  await using directory = await temporaryDirectory();
  const script = 'exec >"$1"; echo "$A $#"; pwd; ps -o sid= -p $$; readlink /proc/$$/fd/0 /proc/$$/fd/2; echo $$';
  const child = spawnDetached("/bin/sh", {
    args: ["-c", script, "sh", `${directory.path}/out`, "with space", ""],
    env: { A: "b c", PATH: path },
    cwd: directory.path,
  });
  await child.ended({ clock: systemClock });
  assert.equal(child.hasEnded, true);
  const [values, cwd, session, stdin, stderr, pid] = (await Deno.readTextFile(`${directory.path}/out`)).split("\n");
  assert.deepEqual([values, cwd, stdin, stderr], ["b c 3", directory.path, "/dev/null", "/dev/null"]);
  assert.deepEqual([session?.trim(), pid], [String(child.pid), String(child.pid)]);
});

test("its signals are the default ones, though ours are not", async () => {
  await using directory = await temporaryDirectory();
  const script = 'grep -E "^Sig(Blk|Ign)" /proc/self/status >"$1"';
  const env = { PATH: path };
  const child = spawnDetached("/bin/sh", { args: ["-c", script, "sh", `${directory.path}/out`], env, cwd: "/" });
  await child.ended({ clock: systemClock });
  assert.match(await Deno.readTextFile(`${directory.path}/out`), /^SigBlk:\t0+\nSigIgn:\t0+\n$/);
});

test("stdin is the given descriptor: a shell that reads a pipe of ours goes on when that is closed", async () => {
  const { reader, writer } = openPipe();
  const child = spawnDetached("/bin/sh", { args: ["-c", "read -r x"], env: {}, cwd: "/", stdin: reader });
  closeFd(reader);
  assert.equal(child.hasEnded, false);
  closeFd(writer);
  await child.ended({ clock: systemClock });
});

test("the third descriptor is handed on, and ours stays close-on-exec", async () => {
  await using directory = await temporaryDirectory();
  const file = `${directory.path}/file`;
  const third = openFd(file, openFlags.writeOnly | openFlags.create | openFlags.closeOnExec);
  try {
    const child = spawnDetached("/bin/sh", { args: ["-c", "echo from the child >&3"], env: {}, cwd: "/", third });
    await child.ended({ clock: systemClock });
  } finally {
    closeFd(third);
  }
  assert.equal(await Deno.readTextFile(file), "from the child\n");
});

test("a program or a directory that is not there is an error that names the program", async () => {
  await using directory = await temporaryDirectory();
  const missing = `${directory.path}/missing`;
  assert.throws(() => spawnDetached(missing, { args: [], env: {}, cwd: "/" }), (error) => {
    assert.ok(isCode(error, "not_found"));
    assert.ok(error.message.includes(missing));
    return true;
  });
  assert.throws(
    () => spawnDetached("/bin/sh", { args: [], env: {}, cwd: missing }),
    (error) => isCode(error, "not_found"),
  );
  assert.throws(
    () => spawnDetached("/bin/sh", { args: ["a\0b"], env: {}, cwd: "/" }),
    (error) => isCode(error, "invalid_argument"),
  );
});
