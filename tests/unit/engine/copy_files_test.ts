import assert from "node:assert/strict";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { openTree } from "../../../lib/engine/archive/tree.ts";
import { copyIn, copyOut } from "../../../lib/engine/copy_files/copy.ts";
import { containerPlace } from "../../../lib/engine/copy_files/copy_place.ts";
import { needsRoot, test } from "../../support/test.ts";
import { smallDisk } from "../base/directories.ts";
import { bytesOf, entriesOf, tarOf } from "./archive_setting.ts";
import { cp, setting, shell } from "./copy_files_setting.ts";

const skip = needsRoot();

test("docker's rules decide where a copy ends up, both ways", async (t) => {
  /** From, to, and where a file with which content must be then; or the error. */
  const cases: readonly (readonly [from: string, to: string, expected: string | RegExp])[] = [
    ["file", "c:/etc", "root/etc/file f"],
    ["file", "c:/etc/", "root/etc/file f"],
    ["file", "c:etc/new", "root/etc/new f"],
    ["file", "c:/etc/conf", "root/etc/conf f"],
    ["file", "c:/new/", /directory c:\/new\/ does not exist/],
    ["file", "c:/none/new", /directory c:\/none\/new would be in does not exist/],
    ["file", "c:/etc/conf/", /c:\/etc\/conf\/ is not a directory/],
    ["file/", "c:/etc", /file\/ is not a directory/],
    ["file/.", "c:/etc", /file\/\. is not a directory/],
    ["dir", "c:/etc", "root/etc/dir/in/two 2"],
    ["dir/", "c:/etc", "root/etc/dir/in/two 2"],
    ["dir/.", "c:/etc", "root/etc/in/two 2"],
    ["dir", "c:/new", "root/new/in/two 2"],
    ["dir", "c:/new/", "root/new/in/two 2"],
    ["dir/.", "c:/new", "root/new/in/two 2"],
    ["dir", "c:/etc/conf", /cannot copy the directory dir to the file c:\/etc\/conf/],
    ["dir", "c:/none/new", /would be in does not exist/],
    ["missing", "c:/etc", /there is no missing/],
    ["none/missing", "c:/etc", /there is no none\/missing/],
    ["c:/data", ".", "host/data/sub/s s"],
    ["c:/data/.", "dir", "host/dir/sub/s s"],
    ["c:/data", "new", "host/new/sub/s s"],
    ["c:/data/d", "new", "host/new d"],
    ["c:/data/d", "file", "host/file d"],
    ["c:data/d", "dir", "host/dir/d d"],
    ["c:/link/", ".", "host/link/sub/s s"],
    ["c:/link/.", ".", "host/sub/s s"],
    ["c:/data/d", "none/", /does not exist/],
    ["c:/missing", ".", /there is no c:\/missing/],
    ["file", "c:/link", "root/data/file f"],
    ["file", "c:/to-conf", "root/etc/conf f"],
  ];
  for (const [from, to, expected] of cases) {
    await t.step(`${from} to ${to}`, async () => {
      await using place = await setting();
      const before = await shell("find host root | sort", place.path);
      if (expected instanceof RegExp) {
        await assert.rejects(cp(place.path, from, to), expected);
        assert.equal(await shell("find host root | sort", place.path), before);
        return;
      }
      await cp(place.path, from, to);
      const [path = "", content] = expected.split(" ");
      assert.equal(await Deno.readTextFile(`${place.path}/${path}`), `${content}\n`);
    });
  }
});

test("links are copied as links, and as what they lead to with follow-link", async () => {
  await using place = await setting();
  await cp(place.path, "c:/link", ".");
  assert.equal(await Deno.readLink(`${place.path}/host/link`), "data");
  await cp(place.path, "c:/to-conf", "conf", { followLink: true });
  assert.equal(await Deno.readTextFile(`${place.path}/host/conf`), "conf\n");
  await cp(place.path, "c:/link", "followed", { followLink: true });
  assert.equal(await Deno.readTextFile(`${place.path}/host/followed/d`), "d\n");
});

test("modes and times are kept; owners become root's or mine, and stay with archive", { skip }, async () => {
  await using place = await setting(
    "chown 1000:1001 host/file; chmod 6755 host/file; touch -d @1000000000.25 host/file",
  );
  const look = (name: string): Promise<string> => shell(`stat -c '%a %u:%g %.2Y' ${name}`, place.path);
  await cp(place.path, "file", "c:/etc/plain");
  assert.equal(await look("root/etc/plain"), "6755 0:0 1000000000.25\n");
  await cp(place.path, "file", "c:/etc/archived", { archive: true });
  assert.equal(await look("root/etc/archived"), "6755 1000:1001 1000000000.25\n");
  await cp(place.path, "c:/etc/archived", "back", { archive: true });
  assert.equal(await look("host/back"), "6755 1000:1001 1000000000.25\n");
});

test("an existing directory that gets the content of another keeps its own mode", async () => {
  await using place = await setting("chmod 700 host/dir; chmod 755 root/etc");
  await cp(place.path, "dir/.", "c:/etc");
  assert.equal(await shell("stat -c %a root/etc", place.path), "755\n");
  await cp(place.path, "dir", "c:/fresh");
  assert.equal(await shell("stat -c %a root/fresh", place.path), "700\n");
});

test("X01 links in a container do not lead a copy out of it, and none below a host's directory is followed", async () => {
  await using place = await setting(`mkdir outside; echo precious >outside/passwd; ln -s ${"../".repeat(20)}etc root/up
    ln -s "$PWD/outside" root/abs; ln -s "$PWD/outside" root/data/out; mkdir -p host/data; ln -s "$PWD/outside" host/data/sub`);
  await assert.rejects(cp(place.path, "c:/abs/passwd", "stolen"), (error) => isCode(error, "not_found"));
  await assert.rejects(cp(place.path, "file", "c:/abs/passwd"), (error) => isCode(error, "not_found"));
  await cp(place.path, "file", "c:/up/file");
  assert.equal(await Deno.readTextFile(`${place.path}/root/etc/file`), "f\n");
  // The host's data/sub leads elsewhere, the container's is a directory.
  await assert.rejects(cp(place.path, "c:/data", "."), /cannot overwrite non-directory .*data\/sub with a directory/);
  assert.equal(await shell("cat outside/passwd; ls outside", place.path), "precious\npasswd\n");
});

test("X01 while a container keeps swapping a directory for a link to the host, nothing outside is read or written", async () => {
  await using place = await setting(
    "mkdir outside root/swap; echo precious >outside/file; echo inside >root/swap/file",
  );
  const outside = `${place.path}/outside`;
  const swapper = new Deno.Command("sh", {
    args: ["-c", 'while mv swap aside && ln -s "$0" swap && rm swap && mv aside swap; do sleep 0.003; done', outside],
    cwd: `${place.path}/root`,
    stdin: "null",
  }).spawn();
  let copied = 0;
  let refused = 0;
  try {
    for (let attempt = 0; attempt < 20_000 && (copied < 20 || refused < 20); attempt++) {
      try {
        await cp(place.path, "c:/swap/file", "got");
        assert.equal(await Deno.readTextFile(`${place.path}/host/got`), "inside\n");
        await cp(place.path, "file", "c:/swap/put");
        copied++;
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
        refused++;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
  } finally {
    swapper.kill("SIGKILL");
    await swapper.status;
  }
  assert.equal(await shell("cat file; ls", outside), "precious\nfile\n");
  assert.ok(copied >= 20 && refused >= 20, `${copied} copied, ${refused} refused`);
});

test("- gives a tar of the source and takes one into a directory, compressed or not", async () => {
  await using place = await setting();
  const out = async (path: string): Promise<readonly string[]> => {
    using from = containerPlace(openTree(`${place.path}/root`), path, "c");
    return (await entriesOf(await bytesOf(await copyOut(from)))).map((entry) => entry.path);
  };
  assert.deepEqual(await out("/data"), ["data", "data/d", "data/sub", "data/sub/s"]);
  assert.deepEqual(await out("/data/."), ["", "d", "sub", "sub/s"]);
  assert.deepEqual(await out("/etc/conf"), ["conf"]);
  const put = async (path: string, data: Uint8Array): Promise<unknown> => {
    using to = containerPlace(openTree(`${place.path}/root`), path, "c");
    return await copyIn(ReadableStream.from([data]), to);
  };
  const tar = await tarOf({ name: "link/new", content: "x" });
  await put("/", tar);
  assert.equal(await Deno.readTextFile(`${place.path}/root/data/new`), "x");
  const packed = await bytesOf(ReadableStream.from([tar]).pipeThrough(new CompressionStream("gzip")));
  await put("/etc/", packed);
  assert.equal(await Deno.readTextFile(`${place.path}/root/etc/link/new`), "x");
  await assert.rejects(put("/etc/conf", tar), /c:\/etc\/conf must be an existing directory/);
  await assert.rejects(put("/none", tar), (error) => isCode(error, "not_found"));
  await assert.rejects(put("/etc", tar.slice(0, 700)), (error) => isCode(error, "data_loss"));
});

test("sockets are named and left out; a copy that is aborted ends with its reason", async () => {
  await using place = await setting();
  using _socket = Deno.listen({ transport: "unix", path: `${place.path}/root/data/socket` });
  assert.deepEqual((await cp(place.path, "c:/data", "copy")).skipped, ["socket"]);
  const reason = new Error("enough");
  await assert.rejects(
    cp(place.path, "c:/data", "other", { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
});

test("a full disk is an error that names the file, and no part of it is left", { skip }, async () => {
  await using place = await setting();
  await using disk = await smallDisk("128k");
  await Deno.writeFile(`${place.path}/root/data/big`, new Uint8Array(1 << 20));
  const copying = cp(place.path, "c:/data", disk.path);
  await assert.rejects(
    copying,
    (error) => isCode(error, "resource_exhausted") && error.message.includes(`${disk.path}/data/big`),
  );
  assert.equal(await shell("find data -type f", disk.path), "");
});
