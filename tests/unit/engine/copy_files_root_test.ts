import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { mount, umount } from "../../../lib/base/libc_files.ts";
import { readIdentity } from "../../../lib/base/proc.ts";
import type { Tree } from "../../../lib/engine/archive/tree.ts";
import { type ContainerRoot, openContainerRoot } from "../../../lib/engine/copy_files/container_root.ts";
import { copyFiles } from "../../../lib/engine/copy_files/copy.ts";
import { parseCopyArgument, parseCopyPath } from "../../../lib/engine/copy_files/copy_path.ts";
import { containerPlace, hostPlace } from "../../../lib/engine/copy_files/copy_place.ts";
import { loadMountCalls } from "../../../lib/engine/copy_files/detached_overlay.ts";
import { needsRoot, test } from "../../support/test.ts";
import { smallDisk } from "../base/directories.ts";
import { setting, shell } from "./copy_files_setting.ts";

loadMountCalls();

const skip = needsRoot();

test("the end of a path says what is meant", () => {
  const cases: readonly (readonly [string, string, string, boolean, boolean])[] = [
    ["/a/b", "/a/b", "b", false, false],
    ["/a/b/", "/a/b", "b", true, false],
    ["/a/b/.", "/a/b", "b", true, true],
    ["/a/b//.//", "/a/b", "b", true, true],
    ["a", "a", "a", false, false],
    ["/", "/", "", true, false],
    ["/.", "/", "", true, true],
    [".", ".", "", true, true],
    ["..", "..", "", true, false],
    ["/a/..", "/a/..", "", true, false],
    ["/.hidden", "/.hidden", ".hidden", false, false],
  ];
  for (const [text, path, name, directory, contents] of cases) {
    const parsed = parseCopyPath(text);
    if (name !== "" && contents) assert.equal(parsed.path, path, text);
    else assert.deepEqual(parsed, { path, name, directory, contents }, text);
    assert.deepEqual([parsed.directory, parsed.contents], [directory, contents], text);
  }
});

test("CONTAINER:PATH is told from paths of the host as docker does", () => {
  assert.deepEqual(parseCopyArgument("web:/etc"), { container: "web", path: "/etc" });
  assert.deepEqual(parseCopyArgument("web:a:b"), { container: "web", path: "a:b" });
  assert.deepEqual(parseCopyArgument("web:"), { container: "web", path: "/" });
  for (const path of ["/a:b", "./a:b", "../a:b", "-", "plain"]) assert.deepEqual(parseCopyArgument(path), { path });
  for (const bad of ["", ":/x"]) {
    assert.throws(() => parseCopyArgument(bad), (error) => isCode(error, "invalid_argument"));
  }
});

test(
  "a running container's files are those it sees itself, and a process that has ended is no way in",
  { skip },
  async () => {
    await using place = await setting();
    // A process with a root and a mount of its own.
    const child = new Deno.Command("unshare", {
      args: ["-m", "sh", "-c", "mount -t tmpfs tmpfs etc && echo own >etc/own && echo ready && exec sleep 1000"],
      cwd: `${place.path}/root`,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const process = await readIdentity(child.pid);
    assert.ok(process);
    const root: ContainerRoot = { kind: "process", process };
    {
      using from = containerPlace(await openContainerRoot(root), `${place.path}/root/etc/own`, "c");
      using to = hostPlace("own", `${place.path}/host`);
      await copyFiles(from, to);
      assert.equal(await Deno.readTextFile(`${place.path}/host/own`), "own\n");
    }
    await assert.rejects(
      openContainerRoot({ kind: "process", process: { ...process, startTime: process.startTime + 1n } }),
      (error) => isCode(error, "failed_precondition"),
    );
    child.kill("SIGKILL");
    await child.status;
    await assert.rejects(openContainerRoot(root), (error) => isCode(error, "failed_precondition"));
  },
);

test(
  "a stopped container's overlay is copied to and from without a mount that could stay behind",
  { skip },
  async () => {
    await using disk = await smallDisk("4m");
    await shell(
      "mkdir lower upper work host merged; echo low >lower/file; echo gone >lower/gone; echo new >host/new",
      disk.path,
    );
    const layers = { lowers: [`${disk.path}/lower`], upper: `${disk.path}/upper`, work: `${disk.path}/work` };
    const root = (): Promise<Tree> => openContainerRoot({ kind: "overlay", layers });
    {
      using from = containerPlace(await root(), "/file", "c");
      using to = hostPlace("got", `${disk.path}/host`);
      await copyFiles(from, to);
      assert.equal(await Deno.readTextFile(`${disk.path}/host/got`), "low\n");
    }
    {
      using from = hostPlace("new", `${disk.path}/host`);
      using to = containerPlace(await root(), "/file", "c");
      await copyFiles(from, to);
    }
    assert.equal(await shell("cat upper/file lower/file", disk.path), "new\nlow\n");
    assert.ok(!(await Deno.readTextFile("/proc/self/mountinfo")).includes(`${disk.path}/`));
    // The overlay is as good as new for the container's next start.
    mount("overlay", `${disk.path}/merged`, {
      type: "overlay",
      data: `lowerdir=${disk.path}/lower,upperdir=${layers.upper},workdir=${layers.work}`,
    });
    try {
      assert.equal(await Deno.readTextFile(`${disk.path}/merged/file`), "new\n");
    } finally {
      umount(`${disk.path}/merged`);
    }
  },
);
