import assert from "node:assert/strict";
import { parseShimVersion, readShimVersion } from "../../../lib/shim/shim_version.ts";
import { test } from "../../support/test.ts";

test("a shim's version is what it prints as such, without a v", () => {
  const text = "containerd-shim-runc-v2:\n  Version:  1.7.24~ds1\n  Revision: 1.7.24~ds1-6\n  Go version: go1.24.4\n\n";
  assert.equal(parseShimVersion(text), "1.7.24~ds1");
  assert.equal(parseShimVersion("  Version:  v2.4.0-beta.1\n"), "2.4.0-beta.1");
  assert.equal(parseShimVersion("Go version: go1.2\n"), undefined);
  assert.equal(parseShimVersion(""), undefined);
});

test("a program that is not there, cannot be run or fails has no version", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/data`, "no program", { mode: 0o644 });
  for (const program of [`${directory}/none`, `${directory}/data`, directory, "/bin/false"]) {
    assert.equal(await readShimVersion(program), undefined, program);
  }
  await Deno.remove(directory, { recursive: true });
});
