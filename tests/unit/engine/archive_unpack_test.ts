import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { pack, type PackOptions } from "../../../lib/engine/archive/pack.ts";
import { readTar } from "../../../lib/engine/archive/tar_reader.ts";
import { writeTar } from "../../../lib/engine/archive/tar_writer.ts";
import { openFile, openTree, type Resolution } from "../../../lib/engine/archive/tree.ts";
import { unpack, type UnpackOptions, type UnpackReport } from "../../../lib/engine/archive/unpack.ts";
import { readXattrs, writeXattr } from "../../../lib/engine/archive/xattrs.ts";
import { needsRoot, test } from "../../support/test.ts";
import { smallDisk } from "../base/directories.ts";
import { bytesOf, entriesOf, folder, type Sample, tarStream } from "./archive_setting.ts";

const skip = needsRoot();

async function packed(root: string, path: string, options: Partial<PackOptions> = {}): Promise<Uint8Array> {
  using tree = openTree(root);
  using place = tree.place(path);
  return await bytesOf(writeTar(async (writer) => void await pack(writer, place, { as: ".", ...options })));
}

async function unpacked(
  root: string,
  samples: readonly Sample[],
  { resolution, ...options }: UnpackOptions & { readonly resolution?: Resolution } = {},
): Promise<UnpackReport> {
  using tree = openTree(root, { resolution });
  return await unpack(readTar(tarStream(...samples)), tree, options);
}

async function shell(script: string, cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Everything about a tree that must survive: types, modes, owners, times, targets, devices, links, contents. */
const listing = `find . ! -type s -printf '%p %y %m %U:%G %n %Ts %l\\n' | sort; find . -type f -exec md5sum {} + | sort;
  find . -type c -exec stat -c '%n %t:%T' {} +`;

test("a tree packed and unpacked is the same tree", { skip }, async () => {
  await using place = await folder();
  await shell(
    `mkdir -p from/a/b 'from/with space' to; cd from; echo one >a/one; ln a/one a/b/two; ln -s /nowhere a/sym; mkfifo a/fifo
     mknod a/dev c 1 3; chmod 4755 a/one; chown 12:34 a/b; chmod 0 a/b; head -c 3000000 /dev/urandom >big; : >empty
     touch -h -d @1000000000 a/sym; touch -d @1234567890 a/b; chmod 1777 'with space'; printf x >"$(printf 'new\\nline')"`,
    place.path,
  );
  await Deno.mkdir(`${place.path}/to`, { recursive: true });
  {
    using from = openTree(`${place.path}/from`);
    using big = from.place("big");
    using open = openFile(big);
    writeXattr(open, "user.note", Uint8Array.of(0, 255, 10, 61));
    writeXattr(open, "security.capability", Uint8Array.fromHex("0100000200040000000000000000000000000000"));
  }
  const data = await packed(place.path, "from");
  using tree = openTree(`${place.path}/to`);
  const report = await unpack(readTar(ReadableStream.from([data])), tree, { top: true });
  assert.deepEqual(report.warnings, []);
  assert.equal(await shell(listing, `${place.path}/to`), await shell(listing, `${place.path}/from`));
  using big = tree.place("big");
  using open = openFile(big);
  assert.deepEqual([...readXattrs(open)].map(([name, value]) => [name, value.toHex()]).sort(), [
    ["security.capability", "0100000200040000000000000000000000000000"],
    ["user.note", "00ff0a3d"],
  ]);
});

test("a tree packed under a name has it before every path, and a filter leaves things out", async () => {
  await using place = await folder();
  await shell("mkdir -p d/keep d/leave; echo 1 >d/keep/f; echo 2 >d/leave/f", place.path);
  const data = await packed(place.path, "d", { as: "new", filter: (path) => path !== "leave" });
  assert.deepEqual((await entriesOf(data)).map(({ path }) => path), ["new", "new/keep", "new/keep/f"]);
  const file = await packed(place.path, "d/keep/f", { as: "other" });
  assert.deepEqual((await entriesOf(file)).map(({ path, text }) => [path, text]), [["other", "1\n"]]);
});

test("sockets are reported and left out; a name that is not UTF-8 is an error, not a file that is silently missing", async () => {
  await using place = await folder();
  using _socket = Deno.listen({ transport: "unix", path: `${place.path}/socket` });
  using tree = openTree(place.path);
  using top = tree.place("/");
  let skipped: readonly string[] = [];
  await bytesOf(writeTar(async (writer) => void ({ skipped } = await pack(writer, top, { as: "." }))));
  assert.deepEqual(skipped, ["socket"]);
  await shell(`touch "$(printf 'bad\\377')"`, place.path);
  await assert.rejects(packed(place.path, "/"), /bad\ufffd is not UTF-8/);
  await shell(`rm -f bad*`, place.path);
  await assert.rejects(packed(place.path, "missing"), (error) => isCode(error, "not_found"));
});

test("X01 no entry is written through a link, whether the archive or the tree has it", async () => {
  await using place = await folder();
  await shell("mkdir root outside; ln -s ../outside root/planted; ln -s ../outside/new root/file", place.path);
  const attacks: readonly (readonly Sample[])[] = [
    [{ name: "link", type: "symlink", linkname: "../outside" }, { name: "link/x", content: "x" }],
    [{ name: "planted/x", content: "x" }],
    [{ name: "planted", type: "directory" }, { name: "planted/x", content: "x" }],
    [{ name: "hard", type: "link", linkname: "../outside/y" }],
    [{ name: "hard", type: "link", linkname: "/etc/passwd" }],
    [{ name: "hard", type: "link", linkname: "planted/y" }],
  ];
  await Deno.writeTextFile(`${place.path}/outside/y`, "precious");
  for (const resolution of ["refuse", "inside"] as const) {
    for (const attack of attacks) {
      await assert.rejects(unpacked(`${place.path}/root`, attack, { resolution }), JSON.stringify(attack));
      await Deno.remove(`${place.path}/root/link`).catch(() => {});
    }
  }
  // A file in place of a link replaces the link.
  await unpacked(`${place.path}/root`, [{ name: "file", content: "mine" }]);
  assert.equal(await Deno.readTextFile(`${place.path}/root/file`), "mine");
  assert.equal(await shell("ls; cat y", `${place.path}/outside`), "y\nprecious");
});

test("inside a root, directories that are links to others in it are followed, as for a process there", async () => {
  await using place = await folder();
  await shell("mkdir -p usr/lib; ln -s usr/lib lib; ln -s /usr/lib absolute", place.path);
  await unpacked(place.path, [{ name: "lib/one", content: "1" }, { name: "absolute/two", content: "2" }]);
  assert.equal(await shell("cat usr/lib/one usr/lib/two", place.path), "12");
});

test("existing files are replaced whole, directories merged, and neither becomes the other", async () => {
  await using place = await folder();
  await shell("mkdir -p dir/sub; echo old >dir/file; echo keep >dir/keep; echo f >plain", place.path);
  using old = await Deno.open(`${place.path}/dir/file`);
  await unpacked(place.path, [{ name: "dir", type: "directory", mode: 0o750 }, { name: "dir/file", content: "new" }]);
  assert.equal(await new Response(old.readable).text(), "old\n");
  assert.equal(
    await shell("cat dir/file dir/keep; stat -c %a dir; ls -A dir", place.path),
    "newkeep\n750\nfile\nkeep\nsub\n",
  );
  const into = async (sample: Sample): Promise<unknown> => await unpacked(place.path, [sample]);
  await assert.rejects(into({ name: "dir", content: "x" }), /cannot overwrite directory .* with a non-directory/);
  await assert.rejects(
    into({ name: "plain", type: "directory" }),
    /cannot overwrite non-directory .* with a directory/,
  );
  await assert.rejects(into({ name: "plain/x", content: "x" }), (error) => isCode(error, "not_found"));
});

test(
  "a file that is a mount point, such as a container's /etc/hosts, gets the new content in place",
  { skip },
  async () => {
    await using disk = await smallDisk("1m");
    await shell("echo host >source; echo >hosts; mount --bind source hosts", disk.path);
    try {
      await unpacked(disk.path, [{ name: "hosts", content: "new" }]);
      assert.equal(await shell("cat source hosts; ls -A", disk.path), "newnewhosts\nsource\n");
    } finally {
      await shell("umount hosts", disk.path);
    }
  },
);

test(
  "X01 devices are refused with the entry's name where they are not allowed; fixed modes and owners win",
  { skip },
  async () => {
    await using place = await folder();
    for (const type of ["character-device", "block-device", "fifo"] as const) {
      const device = type === "fifo" ? undefined : { major: 1, minor: 3 };
      await assert.rejects(
        unpacked(place.path, [{ name: "node", type, device }], { devices: false }),
        /"node" is refused/,
      );
    }
    await unpacked(place.path, [{ name: "a/b", content: "x", mode: 0o4777, uid: 5 }], {
      owners: { uid: 7, gid: 8 },
      modes: { file: 0o600, directory: 0o700 },
    });
    assert.equal(await shell("stat -c '%a %u:%g' a a/b", place.path), "700 7:8\n600 7:8\n");
  },
);

test(
  "a full disk fails the unpacking; the file that did not fit and the one it should replace are as before",
  { skip },
  async () => {
    await using disk = await smallDisk("256k");
    await Deno.writeTextFile(`${disk.path}/file`, "old");
    const big = new Uint8Array(1 << 20);
    for (const name of ["file", "fresh"]) {
      await assert.rejects(
        unpacked(disk.path, [{ name, content: big }]),
        (error) => isCode(error, "resource_exhausted"),
      );
    }
    assert.equal(await shell("cat file; ls -A", disk.path), "oldfile\n");
  },
);

test("an archive that ends inside a file leaves no part of that file", async () => {
  await using place = await folder();
  const data = await bytesOf(
    tarStream({ name: "whole", content: "1" }, { name: "part", content: new Uint8Array(5000) }),
  );
  using tree = openTree(place.path);
  await assert.rejects(
    unpack(readTar(ReadableStream.from([data.slice(0, 3000)])), tree),
    (error) => isCode(error, "data_loss"),
  );
  assert.equal(await shell("ls -A", place.path), "whole\n");
});

test("a file that shrinks while it is packed is an error that names it", async () => {
  await using place = await folder();
  await Deno.writeFile(`${place.path}/log`, new Uint8Array(20 << 20));
  using tree = openTree(place.path);
  using top = tree.place("log");
  const stream = writeTar(async (writer) => void await pack(writer, top, { as: "log" }));
  const reading = (async () => {
    for await (const _ of stream) await Deno.truncate(`${place.path}/log`, 10);
  })();
  await assert.rejects(reading, (error) => isCode(error, "aborted") && /log shrank/.test(error.message));
});
