import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { openTree, statPlace, type Tree, type TreeOptions } from "../../../lib/engine/archive/tree.ts";
import { test } from "../../support/test.ts";
import { folder } from "./archive_setting.ts";

const ways: readonly (readonly [string, TreeOptions])[] = [
  ["with openat2", {}],
  ["one name at a time", { openat2: false }],
];

/** A root with links in it that would lead out, and a secret beside it. */
async function makeRoot(path: string): Promise<string> {
  const root = `${path}/root`;
  await Deno.mkdir(`${root}/usr/lib`, { recursive: true });
  await Deno.mkdir(`${path}/outside`);
  await Deno.writeTextFile(`${path}/outside/secret`, "secret");
  await Deno.writeTextFile(`${root}/usr/lib/file`, "inside");
  await Deno.symlink("usr/lib", `${root}/lib`);
  await Deno.symlink("/usr/lib", `${root}/absolute`);
  await Deno.symlink("../../../../outside", `${root}/up`);
  await Deno.symlink(`${path}/outside`, `${root}/host`);
  await Deno.symlink("loop", `${root}/loop`);
  await Deno.symlink("/usr/lib/file", `${root}/to-file`);
  await Deno.symlink("../usr/lib/new", `${root}/usr/dangling`);
  return root;
}

async function at(tree: Tree, path: string): Promise<string> {
  using place = tree.place(path);
  return await Deno.readTextFile(place.directory.entry(place.name));
}

for (const [way, options] of ways) {
  test(`X01 a path resolves inside the root, through links too, ${way}`, async () => {
    await using place = await folder();
    using tree = openTree(await makeRoot(place.path), options);
    for (
      const path of [
        "/lib/file",
        "lib/file",
        "absolute/file",
        "/usr/../lib/./file",
        "/../../usr/lib/file",
        "lib/../lib/file",
      ]
    ) {
      assert.equal(await at(tree, path), "inside", path);
    }
    for (const path of ["up/secret", "host/secret", "/../outside/secret", "lib/../../../outside/secret"]) {
      assert.throws(() => tree.directory(path.replace(/\/secret$/, "")), (error) => isCode(error, "not_found"), path);
    }
    assert.throws(() => tree.directory("loop/x"), (error) => isCode(error, "failed_precondition"));
    assert.throws(() => tree.directory("usr/lib/file/x"), (error) => isCode(error, "not_found"));
    assert.throws(() => tree.directory("usr/lib/file"), (error) => isCode(error, "not_found"));
    for (const path of ["/", "", ".", "..", "/usr/.."]) {
      using root = tree.place(path);
      assert.ok((await statPlace(root))?.isDirectory, path);
      assert.ok((await Deno.lstat(root.directory.entry("up"))).isSymlink, path);
    }
  });

  test(`X01 where links are refused, one on the way is an error and the last name is not looked at, ${way}`, async () => {
    await using place = await folder();
    using tree = openTree(await makeRoot(place.path), { ...options, resolution: "refuse" });
    assert.equal(await at(tree, "usr/lib/file"), "inside");
    assert.throws(() => tree.place("lib/file"), (error) => isCode(error, "failed_precondition"));
    using link = tree.place("lib");
    assert.ok((await statPlace(link))?.isSymlink);
  });

  test(`following the last link ends at its target, at the place a dangling one names, or in an error, ${way}`, async () => {
    await using place = await folder();
    const root = await makeRoot(place.path);
    using tree = openTree(root, options);
    using file = await tree.follow("/to-file");
    assert.equal(await Deno.readTextFile(file.directory.entry(file.name)), "inside");
    using dangling = await tree.follow("usr/dangling");
    assert.equal(dangling.name, "new");
    assert.equal(await statPlace(dangling), undefined);
    await Deno.writeTextFile(dangling.directory.entry("new"), "made");
    assert.equal(await Deno.readTextFile(`${root}/usr/lib/new`), "made");
    await assert.rejects(tree.follow("loop"), (error) => isCode(error, "failed_precondition"));
    // Out of the root there is nothing.
    await assert.rejects(
      async () => (await tree.follow("host/secret"))[Symbol.dispose](),
      (error) => isCode(error, "not_found"),
    );
  });
}

test("X01 no made-up path leads out of the root, and both ways of resolving agree", async () => {
  await using place = await folder();
  const root = await makeRoot(place.path);
  using one = openTree(root);
  using other = openTree(root, { openat2: false });
  const part = fc.constantFrom(
    "..",
    ".",
    "",
    "usr",
    "lib",
    "absolute",
    "up",
    "host",
    "loop",
    "to-file",
    "file",
    "outside",
  );
  const inodes = new Map<string, true>();
  for (const path of ["", "/usr", "/usr/lib"]) inodes.set(String((await Deno.stat(`${root}${path}`)).ino), true);
  const resolve = async (tree: Tree, path: string): Promise<string> => {
    try {
      using directory = tree.directory(path);
      return String((await Deno.stat(directory.path)).ino);
    } catch (error) {
      return isCode(error, "not_found") || isCode(error, "failed_precondition") ? error.code : String(error);
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 9 }), async (parts) => {
      const path = parts.join("/");
      const found = await resolve(one, path);
      assert.ok(inodes.has(found) || found === "not_found" || found === "failed_precondition", `${path}: ${found}`);
      assert.equal(await resolve(other, path), found, path);
    }),
    { numRuns: 500 },
  );
});
