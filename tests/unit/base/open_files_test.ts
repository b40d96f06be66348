import assert from "node:assert/strict";
import { hasOpen, pidsWithOpen } from "../../../lib/base/open_files.ts";
import { test } from "../../support/test.ts";
import { namesIn, temporaryDirectory } from "./directories.ts";

test("hasOpen() sees a file that a process has open, deleted or not, until it is closed", async () => {
  await using directory = await temporaryDirectory();
  const [path, other] = [`${directory.path}/file`, `${directory.path}/other`];
  await Deno.writeTextFile(path, "");
  assert.equal(hasOpen(Deno.pid, [path]), false);
  {
    using _file = await Deno.open(path);
    assert.equal(hasOpen(Deno.pid, [other, path]), true);
    assert.equal(hasOpen(Deno.pid, [other]), false);
    assert.deepEqual(pidsWithOpen(path), [Deno.pid]);
    await Deno.remove(path);
    assert.equal(hasOpen(Deno.pid, [path]), true);
  }
  assert.equal(hasOpen(Deno.pid, [path]), false);
  assert.deepEqual(namesIn(directory.path), []);
});

test("a process that is not there has nothing open", () => {
  assert.equal(hasOpen(2 ** 22 + 1, ["/dev/null"]), false);
});
