import assert from "node:assert/strict";
import type { MountOption } from "../../../lib/engine/container_options.ts";
import { assertMountSources, assertRootfs } from "../../../lib/engine/spec/mount_sources.ts";
import { composeMounts, defaultMounts } from "../../../lib/engine/spec/mounts.ts";
import type { Mount } from "../../../lib/wire/oci.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

function bind(target: string, ...options: readonly string[]): MountOption {
  return { type: "bind", source: "/source", target, options };
}

function tmpfs(target: string, ...options: readonly string[]): MountOption {
  return { type: "tmpfs", target, options };
}

function compose(mounts: readonly MountOption[], hostFiles: readonly string[] = []): readonly Mount[] {
  return composeMounts({ mounts, privileged: false, hostFiles }).mounts;
}

const targets = (mounts: readonly Mount[]): readonly string[] => mounts.map((mount) => mount.destination);
const optionsAt = (mounts: readonly Mount[], target: string): readonly string[] | undefined =>
  mounts.find((mount) => mount.destination === target)?.options;

test("X03 the defaults are docker's seven, in its order", () => {
  assert.deepEqual(compose([]), defaultMounts);
  assert.deepEqual(targets(defaultMounts), [
    "/proc",
    "/dev",
    "/dev/pts",
    "/sys",
    "/sys/fs/cgroup",
    "/dev/mqueue",
    "/dev/shm",
  ]);
  assert.ok(optionsAt(defaultMounts, "/dev/shm")?.includes("size=67108864"));
  assert.ok(optionsAt(defaultMounts, "/sys/fs/cgroup")?.includes("ro"));
});

test("the user's mounts come last, outer ones first, in the order given where depth is the same", () => {
  const mounts = compose([bind("/b/c/d"), tmpfs("/x"), bind("/b"), bind("/a"), bind("/b/c")]);
  assert.deepEqual(targets(mounts).slice(7), ["/x", "/b", "/a", "/b/c", "/b/c/d"]);
});

test("a mount on a default's target replaces it, and one on /dev all that is below", () => {
  assert.deepEqual(targets(compose([tmpfs("/dev/shm", "size=1m")])), [
    "/proc",
    "/dev",
    "/dev/pts",
    "/sys",
    "/sys/fs/cgroup",
    "/dev/mqueue",
    "/dev/shm",
  ]);
  assert.deepEqual(targets(compose([bind("/dev")])), ["/proc", "/sys", "/sys/fs/cgroup", "/dev"]);
  assert.ok(targets(compose([bind("/device")])).includes("/dev/pts"));
});

test("shared memory has the size that was given, or is the host's", () => {
  const shm = (request: { readonly shmSize?: number; readonly hostShm?: boolean }): Mount | undefined =>
    composeMounts({ mounts: [], privileged: false, hostFiles: [], ...request }).mounts
      .find(({ destination }) => destination === "/dev/shm");
  assert.deepEqual(shm({ shmSize: 4096 })?.options, ["nosuid", "noexec", "nodev", "mode=1777", "size=4096"]);
  assert.deepEqual(shm({ hostShm: true }), {
    destination: "/dev/shm",
    type: "bind",
    source: "/dev/shm",
    options: ["rbind", "nosuid", "noexec", "nodev", "rprivate"],
  });
  for (const target of ["/dev", "/dev/shm"]) {
    assert.throws(
      () => composeMounts({ mounts: [tmpfs(target)], privileged: false, hostFiles: [], shmSize: 4096 }),
      gantryError("invalid_argument", /--shm-size cannot be combined with a mount at/, /--tmpfs \/dev\/shm:size=4096/),
    );
  }
});

test("a bind is recursive and private unless something else was asked for", () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [[], ["rbind", "rprivate"]],
    [["ro"], ["rbind", "ro", "rprivate"]],
    [["rw"], ["rbind", "rprivate"]],
    [["bind", "ro"], ["bind", "ro", "rprivate"]],
    [["rslave"], ["rbind", "rslave"]],
    [["rbind", "rro"], ["rbind", "ro", "rro", "rprivate"]],
    [["noexec", "z"], ["rbind", "noexec", "rprivate"]],
  ];
  for (const [given, expected] of cases) assert.deepEqual(optionsAt(compose([bind("/t", ...given)]), "/t"), expected);
});

test("a tmpfs is noexec, nosuid and nodev unless something else was asked for", () => {
  assert.deepEqual(optionsAt(compose([tmpfs("/t")]), "/t"), ["noexec", "nosuid", "nodev", "rprivate"]);
  assert.deepEqual(optionsAt(compose([tmpfs("/t", "exec", "size=1m", "rw")]), "/t"), [
    "nosuid",
    "nodev",
    "rprivate",
    "exec",
    "size=1m",
  ]);
});

test("a shared or slave bind opens the root's propagation as docker does", () => {
  const propagation = (...mounts: readonly MountOption[]): string | undefined =>
    composeMounts({ mounts, privileged: false, hostFiles: [] }).rootfsPropagation;
  assert.equal(propagation(bind("/a")), undefined);
  assert.equal(propagation(bind("/a", "rslave")), "rslave");
  assert.equal(propagation(bind("/a", "slave"), bind("/b", "rshared")), "shared");
});

test("two mounts on one target are refused", () => {
  assert.throws(
    () => compose([bind("/a"), tmpfs("/a")]),
    gantryError("invalid_argument", /duplicate mount point: \/a/),
  );
});

test("labels for SELinux are left out with a warning", () => {
  const { warnings } = composeMounts({ mounts: [bind("/a", "Z")], privileged: false, hostFiles: [] });
  assert.match(warnings.join(), /mount at \/a have no effect/);
});

test("the host's files give way to the user's mount at or above them", () => {
  const files = ["/etc/resolv.conf", "/etc/hosts"];
  assert.deepEqual(targets(compose([], files)).slice(7), files);
  assert.deepEqual(targets(compose([bind("/etc/hosts")], files)).slice(7), ["/etc/resolv.conf", "/etc/hosts"]);
  assert.deepEqual(targets(compose([bind("/etc")], files)).slice(7), ["/etc"]);
  assert.deepEqual(targets(compose([bind("/etc/ho")], files)).slice(7), [...files, "/etc/ho"]);
});

test("a privileged container may write to /sys and to its control groups", () => {
  const { mounts } = composeMounts({ mounts: [bind("/a", "ro")], privileged: true, hostFiles: [] });
  assert.ok(!optionsAt(mounts, "/sys")?.includes("ro"));
  assert.ok(!optionsAt(mounts, "/sys/fs/cgroup")?.includes("ro"));
  assert.ok(optionsAt(mounts, "/a")?.includes("ro"));
});

test("a source that does not exist is an error with a way out, and nothing is created", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const missing = { type: "bind" as const, source: `${directory}/missing`, target: "/t", options: [] };
    await assert.rejects(
      assertMountSources([missing]),
      gantryError("not_found", /source of the mount at \/t, .*\/missing does not exist/, /mkdir -p .*\/missing/),
    );
    assert.deepEqual([...Deno.readDirSync(directory)], []);
    await assertMountSources([{ ...missing, source: directory }, { ...missing, source: "/dev/null" }, tmpfs("/x")]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

test("a share with a source that is not shared is an error that says how to make it so", async () => {
  const proc = { type: "bind" as const, source: "/proc/self", target: "/t", options: ["rshared"] };
  const mountinfo = await Deno.readTextFile("/proc/self/mountinfo");
  const line = mountinfo.split("\n").findLast((text) => text.split(" ")[4] === "/proc") ?? "";
  if (/ shared:/.test(line)) await assertMountSources([proc]);
  else {
    await assert.rejects(
      assertMountSources([proc]),
      gantryError("failed_precondition", /is mounted on \/proc, which is not a shared mount/, /--make-rshared \/proc/),
    );
  }
});

test("a root filesystem must be a directory", async () => {
  await assertRootfs("/");
  await assert.rejects(assertRootfs("/no/such"), gantryError("not_found", /root filesystem \/no\/such does not exist/));
  await assert.rejects(assertRootfs("/dev/null"), gantryError("failed_precondition", /\/dev\/null is not a directory/));
});
