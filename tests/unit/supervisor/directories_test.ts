import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { checkOwnDirectory, prepareDirectories } from "../../../lib/supervisor/directories.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";
import { place } from "./temporary.ts";

test("S01 the state directory is made 0700, and an existing one is closed to others", async () => {
  await using here = await place();
  await prepareDirectories(here.paths);
  assert.equal(await mode(here.paths.state), 0o700);
  assert.equal(await mode(here.paths.root), 0o711);
  assert.equal(await mode(here.paths.logDirectory), 0o700);
  await Deno.chmod(here.paths.state, 0o755);
  await prepareDirectories(here.paths);
  assert.equal(await mode(here.paths.state), 0o700);
});

test("S20 a directory that others can write to is refused with its mode", async () => {
  for (const bits of [0o777, 0o1777, 0o770, 0o702]) {
    await using here = await place();
    await Deno.mkdir(here.paths.state);
    await Deno.chmod(here.paths.state, bits);
    await assert.rejects(prepareDirectories(here.paths), (error) => {
      assert.ok(isCode(error, "permission_denied"));
      const octal = bits.toString(8).padStart(4, "0");
      assert.ok(error.message.includes(here.paths.state) && error.message.includes(octal), error.message);
      return true;
    });
    assert.equal(await mode(here.paths.state), bits, "nothing was changed");
  }
});

test("S20 a directory reached through a symbolic link is refused", async () => {
  for (const name of ["state", "root"] as const) {
    await using here = await place();
    await Deno.mkdir(`${here.path}/elsewhere`, { mode: 0o700 });
    await Deno.symlink(`${here.path}/elsewhere`, here.paths[name]);
    await assert.rejects(prepareDirectories(here.paths), /is a symbolic link/);
    assert.deepEqual([...Deno.readDirSync(`${here.path}/elsewhere`)], []);
  }
});

test("S20 a file in place of the directory is refused", async () => {
  await using here = await place();
  await Deno.writeTextFile(here.paths.state, "");
  await assert.rejects(prepareDirectories(here.paths), /is not a directory/);
});

test("S20 a directory of another user is refused", { skip: firstReason(needsRoot()) }, async () => {
  await using here = await place();
  await Deno.mkdir(here.paths.state, { mode: 0o700 });
  await Deno.chown(here.paths.state, 65534, 65534);
  await assert.rejects(checkOwnDirectory(here.paths.state), (error) => {
    assert.ok(isCode(error, "permission_denied"));
    return /belongs to user 65534, not to user 0/.test(error.message);
  });
});

test("a directory that cannot be made is named", async () => {
  await using here = await place({ state: "/proc/gantry" });
  await assert.rejects(prepareDirectories(here.paths), /cannot make the directory \/proc\/gantry/);
});

test("checkOwnDirectory() says whether there is one", async () => {
  await using here = await place();
  assert.equal(await checkOwnDirectory(here.paths.state), false);
  await Deno.mkdir(here.paths.state, { mode: 0o700 });
  assert.equal(await checkOwnDirectory(here.paths.state), true);
});

async function mode(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o7777;
}
