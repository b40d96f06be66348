import assert from "node:assert/strict";
import fc from "fast-check";
import { archive } from "../../../scripts/compile/ustar.ts";
import { test } from "../../support/test.ts";

test("GNU tar unpacks an archive to the same names, modes, times and bytes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const big = crypto.getRandomValues(new Uint8Array(60_000));
    const files = [
      { name: "run", contents: big, mode: 0o755, modified: 978307200 },
      { name: ".stamp", contents: new Uint8Array(0), mode: 0o600, modified: 978307201 },
      { name: "x".repeat(100), contents: new Uint8Array(512), mode: 0o644, modified: 0o17777777777 },
    ];
    await Deno.writeFile(`${folder}/a.tar`, archive(files));
    const { success, stderr } = await new Deno.Command("tar", { args: ["-xf", "a.tar"], cwd: folder }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    for (const { name, contents, mode, modified } of files) {
      const info = await Deno.stat(`${folder}/${name}`);
      assert.equal((info.mode ?? 0) & 0o777, mode, name);
      assert.equal(info.mtime?.getTime(), modified * 1000, name);
      assert.deepEqual(await Deno.readFile(`${folder}/${name}`), contents, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("the same files give the same archive, whole blocks and an end mark", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (contents) => {
    const files = [{ name: "a", contents, mode: 0o600, modified: 1 }];
    const bytes = archive(files);
    assert.deepEqual(bytes, archive(files));
    assert.equal(bytes.length % 512, 0);
    assert.ok(bytes.subarray(-1024).every((byte) => byte === 0));
  }));
});

test("a name that does not fit is refused", () => {
  const file = { contents: new Uint8Array(0), mode: 0o600, modified: 1 };
  for (const name of ["", "x".repeat(101), "with space", "ä"]) {
    assert.throws(() => archive([{ ...file, name }]), RangeError, name);
  }
});
