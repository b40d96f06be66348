import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { parseMountInfo, readMounts } from "../../../lib/base/mounts.ts";
import { needsRoot, test } from "../../support/test.ts";
import { mount, umount } from "../../../lib/base/libc_files.ts";
import { temporaryDirectory } from "./directories.ts";

test("parseMountInfo() reads every field", () => {
  const text = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n" +
    "40 36 0:35 / / ro - overlay overlay rw,lowerdir=/a:/b\\054c\n";
  assert.deepEqual(parseMountInfo(text), [
    {
      id: 36,
      parentId: 35,
      device: "98:0",
      root: "/mnt1",
      mountPoint: "/mnt2",
      options: ["rw", "noatime"],
      propagation: ["master:1", "shared:7"],
      type: "ext3",
      source: "/dev/root",
      superOptions: ["rw", "errors=continue"],
    },
    {
      id: 40,
      parentId: 36,
      device: "0:35",
      root: "/",
      mountPoint: "/",
      options: ["ro"],
      propagation: [],
      type: "overlay",
      source: "overlay",
      superOptions: ["rw", "lowerdir=/a:/b,c"],
    },
  ]);
});

test("parseMountInfo() undoes the kernel's octal escapes, and no more than those", () => {
  const [info] = parseMountInfo("1 0 0:1 / /a\\040b\\011c\\012d\\134040 rw - tmpfs \\043x rw\n");
  assert.equal(info?.mountPoint, "/a b\tc\nd\\040");
  assert.equal(info?.source, "#x");
});

test("parseMountInfo() takes an empty source and refuses a line that is none", () => {
  assert.equal(parseMountInfo("1 0 0:1 / / rw - tmpfs  rw")[0]?.source, "");
  for (const text of ["x", "1 0 0:1 / / rw", "a 0 0:1 / / rw - t s o", "1 0 0:1 / / rw - tmpfs"]) {
    assert.throws(() => parseMountInfo(text), (error) => isCode(error, "data_loss"), text);
  }
});

test("parseMountInfo() gives a list or data_loss for any text", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9 :\/a\\-]{0,60}$/)), (text) => {
    try {
      assert.ok(Array.isArray(parseMountInfo(text)));
    } catch (error) {
      assert.ok(isCode(error, "data_loss"));
    }
  }));
});

test("readMounts() shows a mount made here, with its odd name", { skip: needsRoot() }, async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/a b\\c`;
  await Deno.mkdir(path);
  mount("gantry test", path, { type: "tmpfs", data: "size=64k" });
  try {
    const info = (await readMounts()).find((each) => each.mountPoint === path);
    assert.equal(info?.type, "tmpfs");
    assert.equal(info?.source, "gantry test");
    assert.ok(info?.superOptions.includes("size=64k"));
    assert.ok((await readMounts(Deno.pid)).some((each) => each.mountPoint === path));
  } finally {
    umount(path);
  }
  assert.equal((await readMounts()).some((each) => each.mountPoint === path), false);
});

test("readMounts() of a pid that does not exist is not_found", async () => {
  await assert.rejects(readMounts(4_000_000_000), (error) => {
    assert.ok(isCode(error, "not_found"));
    assert.match(error.message, /\/proc\/4000000000\/mountinfo/);
    return true;
  });
});
