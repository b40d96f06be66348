import assert from "node:assert/strict";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { applyRootfsDiff, checkRootfsDiff } from "../../../lib/engine/checkpoint/apply_rootfs_diff.ts";
import { pathsIn } from "../../../lib/engine/checkpoint/checkpoint_paths.ts";
import { saveDirectory, saveRootfsDiff } from "../../../lib/engine/checkpoint/rootfs_diff.ts";
import { openTree } from "../../../lib/engine/archive/tree.ts";
import { writeXattr } from "../../../lib/engine/archive/xattrs.ts";
import { mount, umount } from "../../../lib/base/libc_files.ts";
import { needsRoot, test } from "../../support/test.ts";
import { smallDisk } from "../base/directories.ts";
import { folder, type Sample, tarOf } from "./archive_setting.ts";

const skip = needsRoot();

async function shell(script: string, cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** An overlay on a tmpfs of its own, since the folder for temporary files may be an overlay itself. */
async function overlay(
  options = "redirect_dir=off,metacopy=off",
): Promise<{ readonly path: string; mount(upper: string): void; unmount(): void } & AsyncDisposable> {
  const disk = await smallDisk("16m");
  const { path } = disk;
  for (const name of ["lower", "upper", "work", "upper2", "work2", "merged", "saved"]) {
    await Deno.mkdir(`${path}/${name}`);
  }
  let mounted = 0;
  return {
    path,
    mount(upper) {
      const work = upper.replace("upper", "work");
      const data = `lowerdir=${path}/lower,upperdir=${path}/${upper},workdir=${path}/${work}`;
      mount("overlay", `${path}/merged`, { type: "overlay", data: options === "" ? data : `${data},${options}` });
      mounted++;
    },
    unmount() {
      umount(`${path}/merged`);
      mounted--;
    },
    async [Symbol.asyncDispose]() {
      if (mounted > 0) umount(`${path}/merged`);
      await disk[Symbol.asyncDispose]();
    },
  };
}

const lower =
  `mkdir -p etc usr/share/doc old/sub var; echo lower >etc/passwd; echo gone >etc/gone; echo doc >usr/share/doc/a
  echo 1 >old/one; echo 2 >old/sub/two; echo 3 >old/sub/three; echo v >var/v; chmod 711 usr/share; chown 5:6 usr/share; ln -s usr lib`;

/** What a container does to its files: every mark an overlay knows. */
const changes =
  `echo changed >>etc/passwd; rm etc/gone; rm -r usr/share/doc; rm -r old; mkdir -p old/sub; echo new >old/new
  echo 4 >old/sub/four; echo 5 >old/sub/two; rm -r var; echo file >var; mkfifo pipe; mknod dev c 1 3; ln -s /x link; echo h >hard; ln hard hard2
  chmod 1770 etc; touch -d @1000000000 hard`;

/** Times to the millisecond; link counts of directories are an overlay's own. */
const listing = `find . ! -type d -printf '%p %y %m %U:%G %n %l %.14T@\\n' -o -printf '%p %y %m %U:%G\\n' | sort
  find . -type f | sort | while read f; do echo "$f"; cat "$f"; done`;

test(
  "C02 what a container changed in its overlay is the same in another overlay over the same directory",
  { skip },
  async () => {
    await using disk = await overlay();
    await shell(lower, `${disk.path}/lower`);
    disk.mount("upper");
    await shell(changes, `${disk.path}/merged`);
    const before = await shell(listing, `${disk.path}/merged`);
    disk.unmount();
    const lowers = [`${disk.path}/lower`];
    const paths = pathsIn(`${disk.path}/saved`);
    const saved = await saveRootfsDiff({ upper: `${disk.path}/upper`, lowers }, paths);
    assert.deepEqual(saved.deleted, ["/etc/gone", "/old/one", "/old/sub/three", "/usr/share/doc"]);
    await checkRootfsDiff(paths);
    await applyRootfsDiff(paths, { kind: "overlay", upper: `${disk.path}/upper2`, lowers });
    disk.mount("upper2");
    assert.equal(await shell(listing, `${disk.path}/merged`), before);
  },
);

test("C02 the same changes applied to a copy of the directory give the same files", { skip }, async () => {
  await using disk = await overlay();
  await shell(lower, `${disk.path}/lower`);
  disk.mount("upper");
  // A directory that became a file cannot be merged into one.
  await shell(changes.replace("rm -r var; echo file >var;", ""), `${disk.path}/merged`);
  const before = await shell(listing, `${disk.path}/merged`);
  disk.unmount();
  const paths = pathsIn(`${disk.path}/saved`);
  await saveRootfsDiff({ upper: `${disk.path}/upper`, lowers: [`${disk.path}/lower`] }, paths);
  await shell(`cp -a lower copy; mknod copy/old/unrelated p`, disk.path);
  await Deno.remove(`${disk.path}/copy/old/unrelated`);
  await applyRootfsDiff(paths, { kind: "directory", path: `${disk.path}/copy` });
  assert.equal(await shell(listing, `${disk.path}/copy`), before);
});

test("C02 podman's archives, which have no directories, get those of the layer below", { skip }, async () => {
  await using disk = await overlay();
  await shell(lower, `${disk.path}/lower`);
  const paths = pathsIn(`${disk.path}/saved`);
  await Deno.writeFile(paths.rootfsDiff, await tarOf({ name: "usr/share/new/file", content: "x" }));
  await Deno.writeTextFile(paths.deletedFiles, '["/usr/share/doc","/old/sub/two"]');
  await applyRootfsDiff(paths, { kind: "overlay", upper: `${disk.path}/upper`, lowers: [`${disk.path}/lower`] });
  disk.mount("upper");
  const merged = `${disk.path}/merged`;
  assert.equal(
    await shell("stat -c '%a %u:%g' usr/share; ls usr/share old/sub", merged),
    "711 5:6\nold/sub:\nthree\n\nusr/share:\nnew\n",
  );
});

test("an overlay whose upper directory is no whole is refused", { skip }, async () => {
  await using disk = await overlay("");
  await Deno.mkdir(`${disk.path}/upper/moved`);
  {
    using tree = openTree(`${disk.path}/upper`);
    using moved = tree.directory("moved");
    writeXattr(moved, "trusted.overlay.redirect", new TextEncoder().encode("/etc"));
  }
  const paths = pathsIn(`${disk.path}/saved`);
  const saving = saveRootfsDiff({ upper: `${disk.path}/upper`, lowers: [`${disk.path}/lower`] }, paths);
  await assert.rejects(
    saving,
    (error) => isCode(error, "failed_precondition") && /moved.*redirect/.test(error.message),
  );
  assert.deepEqual(Array.from(Deno.readDirSync(`${disk.path}/saved`)), []);
});

test("a whole directory is saved when it is asked for, and a full disk leaves nothing of it", { skip }, async () => {
  await using place = await folder();
  await using disk = await smallDisk("128k");
  await shell(`mkdir tree; ${lower.replaceAll("; ", "\n")}; head -c 300000 /dev/zero >big`, place.path);
  const saved = await saveDirectory(place.path, { rootfsDiff: `${place.path}-diff.tar` });
  assert.ok(saved.bytes > 300_000);
  await Deno.remove(`${place.path}-diff.tar`);
  const saving = saveDirectory(place.path, { rootfsDiff: `${disk.path}/rootfs-diff.tar` });
  await assert.rejects(saving, (error) => isCode(error, "resource_exhausted"));
  assert.deepEqual(Array.from(Deno.readDirSync(disk.path)), []);
});

test(
  "X01 saved changes that lead out of the root filesystem are refused, before and while they are applied",
  { skip },
  async () => {
    await using place = await folder();
    await shell(
      "mkdir saved upper lower outside copy; ln -s ../outside copy/out; echo precious >outside/file",
      place.path,
    );
    const paths = pathsIn(`${place.path}/saved`);
    const archives: readonly (readonly Sample[])[] = [
      [{ name: "../x", content: "x" }],
      [{ name: "a", content: "1" }, { name: "a", content: "2" }],
      [{ name: "l", type: "link", linkname: "../../outside/file" }],
    ];
    const lists = ['["/../outside/file"]', '["/"]', '["../x"]', "{}", "[1]", "x"];
    for (const attack of [...archives, ...lists]) {
      await shell("rm -rf saved/* upper/*", place.path);
      if (typeof attack === "string") await Deno.writeTextFile(paths.deletedFiles, attack);
      else await Deno.writeFile(paths.rootfsDiff, await tarOf(...attack));
      await assert.rejects(checkRootfsDiff(paths), GantryError, JSON.stringify(attack));
      const target = { kind: "overlay", upper: `${place.path}/upper`, lowers: [`${place.path}/lower`] } as const;
      await assert.rejects(applyRootfsDiff(paths, target), GantryError, JSON.stringify(attack));
    }
    await shell("rm -rf saved/*", place.path);
    await Deno.writeTextFile(paths.deletedFiles, '["/out/file"]');
    await applyRootfsDiff(paths, { kind: "directory", path: `${place.path}/copy` }).catch(() => {});
    assert.equal(await shell("cat outside/file", place.path), "precious\n");
  },
);
