import assert from "node:assert/strict";
import { cgroupMode, cgroupModeOf } from "../../../lib/base/cgroup.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { parseMountInfo } from "../../../lib/base/mounts.ts";
import { test } from "../../support/test.ts";

function modeOf(...mounts: readonly (readonly [point: string, type: string])[]): string {
  const lines = mounts.map(([point, type], i) => `${i + 2} 1 0:${i} / ${point} rw - ${type} none rw\n`);
  return cgroupModeOf(parseMountInfo(`1 0 8:1 / / rw - ext4 /dev/sda rw\n${lines.join("")}`));
}

test("cgroupModeOf() tells v1, hybrid and v2 apart", () => {
  assert.equal(modeOf(["/sys/fs/cgroup", "cgroup2"]), "v2");
  assert.equal(modeOf(["/sys/fs/cgroup", "tmpfs"], ["/sys/fs/cgroup/memory", "cgroup"]), "v1");
  assert.equal(
    modeOf(["/sys/fs/cgroup", "tmpfs"], ["/sys/fs/cgroup/memory", "cgroup"], ["/sys/fs/cgroup/unified", "cgroup2"]),
    "hybrid",
  );
});

test("cgroupModeOf() goes by the mount in sight", () => {
  assert.equal(modeOf(["/sys/fs/cgroup", "tmpfs"], ["/sys/fs/cgroup", "cgroup2"]), "v2");
});

test("cgroupModeOf() says what to do when no control groups are mounted", () => {
  assert.throws(() => modeOf(["/mnt", "cgroup2"]), (error) => {
    assert.ok(isCode(error, "failed_precondition"));
    assert.match(error.hint ?? "", /mount -t cgroup2/);
    return true;
  });
});

test("cgroupMode() agrees with the filesystem of /sys/fs/cgroup", async () => {
  const { stdout } = await new Deno.Command("stat", { args: ["-f", "-c", "%T", "/sys/fs/cgroup"] }).output();
  const unified = new TextDecoder().decode(stdout).trim() === "cgroup2fs";
  assert.equal(await cgroupMode() === "v2", unified);
});
