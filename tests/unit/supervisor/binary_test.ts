import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { configVersionOf, inspectBinary, parseVersion } from "../../../lib/supervisor/binary.ts";
import { writeFake } from "../../support/fakes/fake_containerd.ts";
import { test } from "../../support/test.ts";
import { place } from "./temporary.ts";

test("parseVersion() reads what containerd and its packagers print", () => {
  const lines: readonly (readonly [string, string, number, number])[] = [
    ["containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n", "1.6.20~ds1", 1, 6],
    ["containerd github.com/containerd/containerd/v2 2.1.9+unknown \n", "2.1.9+unknown", 2, 1],
    ["containerd github.com/containerd/containerd v1.7.2 0cae528dd6cb557f7201036e9f43420650207b58", "1.7.2", 1, 7],
    ["containerd containerd.io 1.6.33 d2d58213f83a351ca8f528a95fbd145f5654e957\n", "1.6.33", 1, 6],
    ["containerd github.com/containerd/containerd/v2 v2.3.0-beta.1 abc", "2.3.0-beta.1", 2, 3],
    ["containerd github.com/k3s-io/containerd v1.7.11-k3s2", "1.7.11-k3s2", 1, 7],
  ];
  for (const [line, version, major, minor] of lines) {
    assert.deepEqual(parseVersion(line), { version, major, minor }, line);
  }
});

test("S19 parseVersion() takes nothing else", () => {
  const others = [
    "",
    "containerd",
    "containerd x",
    "containerd x y z",
    "runc version 1.1.5",
    "containerd x 1.7",
    "v1.7.2",
  ];
  for (
    const text of [...others, "hello containerd x 1.7.2", "containerd x 1.7.2 a b c", "containerd x 1.7.2\nmore\n"]
  ) {
    assert.equal(parseVersion(text), undefined, text);
  }
  fc.assert(fc.property(fc.string(), (text) => {
    assert.ok(parseVersion(text) === undefined || text.startsWith("containerd "));
  }));
});

test("S02 the configuration version follows the program's", () => {
  const versions = [[1, 6, 2], [1, 7, 2], [2, 0, 3], [2, 1, 3], [2, 2, 3], [2, 3, 4], [2, 9, 4], [3, 0, 4]] as const;
  for (const [major, minor, version] of versions) assert.equal(configVersionOf(major, minor), version);
});

test("S19 a program that is missing is an error with the search path", async () => {
  await using here = await place();
  await assert.rejects(
    inspectBinary("no-such-containerd", { searchPath: `${here.path}/a:${here.path}/b` }),
    (error) => {
      assert.ok(isCode(error, "not_found"));
      assert.match(error.message, /no-such-containerd/);
      assert.ok(error.hint?.includes(`${here.path}/a:${here.path}/b`), error.hint ?? "");
      return true;
    },
  );
  await assert.rejects(inspectBinary(`${here.path}/none`), (error) => {
    return isCode(error, "not_found") && error.message.includes(`${here.path}/none`) && error.hint !== undefined;
  });
});

test("S19 a program that is not executable is an error that names it", async () => {
  await using here = await place();
  await Deno.writeTextFile(`${here.path}/containerd`, "", { mode: 0o644 });
  await assert.rejects(inspectBinary("containerd", { searchPath: here.path }), (error) => {
    return isCode(error, "permission_denied") && /not executable/.test(error.message);
  });
  await assert.rejects(inspectBinary(here.path), /is not a file/);
});

test("S19 garbage from --version is shown, with the search path", async () => {
  await using here = await place();
  const cases = [
    ["echo hello", /--version printed "hello": that is no containerd/],
    [":", /--version printed nothing/],
    ["head -c 100000 /dev/urandom", /that is no containerd/],
    ["echo broken library >&2; exit 127", /--version failed with exit code 127: broken library/],
    ["kill -SEGV $$", /--version failed with signal SIGSEGV/],
  ] as const;
  for (const [version, message] of cases) {
    await writeFake(`${here.path}/containerd`, { version, body: "" });
    await assert.rejects(inspectBinary("containerd", { searchPath: `${here.path}:/usr/bin` }), (error) => {
      assert.ok(isCode(error, "failed_precondition"), version);
      assert.match(error.message, message);
      assert.ok(error.hint?.includes(here.path), error.hint ?? "");
      return true;
    });
  }
});

test("S19 a file that is no program at all is an error that names it", async () => {
  await using here = await place();
  await Deno.writeFile(`${here.path}/containerd`, new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 1, 2, 3]), { mode: 0o755 });
  await assert.rejects(inspectBinary(`${here.path}/containerd`), (error) => {
    return error instanceof GantryError && error.message.includes(`${here.path}/containerd`);
  });
});

test("S19 a --version that hangs is ended with all it has started", async () => {
  await using here = await place();
  await writeFake(`${here.path}/containerd`, { version: "sleep 1000", body: "" });
  const stopped = new AbortController();
  const asked = inspectBinary(`${here.path}/containerd`, { signal: stopped.signal });
  setTimeout(() => stopped.abort(), 100);
  await assert.rejects(asked);
});

test("a containerd older than 1.6 is refused", async () => {
  await using here = await place();
  await writeFake(`${here.path}/containerd`, { version: 'echo "containerd x v1.5.9 y"', body: "" });
  await assert.rejects(inspectBinary(`${here.path}/containerd`), /is containerd 1.5.9; gantry needs 1.6 or later/);
});

test("relative directories of PATH are not searched", async () => {
  await using here = await place();
  await writeFake(`${here.path}/containerd`, { body: "" });
  await assert.rejects(
    inspectBinary("containerd", { searchPath: ".::relative" }),
    (error) => isCode(error, "not_found"),
  );
});

test("--version is asked again only when the file has changed", async () => {
  await using here = await place();
  const path = await writeFake(`${here.path}/real`, {
    version: `echo x >> ${here.path}/asked; echo "containerd x 1.7.1 y"`,
    body: "",
  });
  await Deno.symlink(path, `${here.path}/containerd`);
  const first = await inspectBinary(`${here.path}/containerd`);
  assert.deepEqual([first.path, first.executable], [`${here.path}/containerd`, await Deno.realPath(path)]);
  assert.equal(await inspectBinary(`${here.path}/containerd`, { known: first }), first);
  await writeFake(path, { version: 'echo "containerd x 2.1.0 yy"', body: "" });
  const second = await inspectBinary(`${here.path}/containerd`, { known: first });
  assert.deepEqual([second.version, second.configVersion], ["2.1.0", 3]);
  assert.equal((await Deno.readTextFile(`${here.path}/asked`)).length, 2);
});
