import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { assertNothingLeft, leftSince, snapshot } from "../../support/leftovers.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";

/** A cgroup hierarchy in which a test may make groups. */
function cgroupRoot(): string | undefined {
  return ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((path) => {
    try {
      return Deno.statSync(`${path}/cgroup.procs`).isFile;
    } catch {
      return false;
    }
  });
}

const skip = firstReason(needsRoot(), cgroupRoot() === undefined ? "no cgroup hierarchy here" : undefined);

test("a cgroup without processes below the top level is left over, its parent is not", { skip }, async () => {
  const parent = `${cgroupRoot()}/gantry-leftovers-${Deno.pid}`;
  const before = await snapshot();
  const narrow = await snapshot({ scope: "/tmp/nothing" });
  // Other suites make and remove theirs meanwhile.
  const ours = async (): Promise<readonly string[]> =>
    (await leftSince(before, { withinMs: 0 })).filter((line) => line.includes(parent));
  await Deno.mkdir(parent);
  try {
    assert.deepEqual(await ours(), []);
    await Deno.mkdir(`${parent}/id`);
    assert.deepEqual(await ours(), [`cgroup ${parent}/id: empty`]);
    await assert.rejects(assertNothingLeft(before, { withinMs: 0 }), /things were left behind/);
    assert.deepEqual(await leftSince(narrow, { withinMs: 0 }), [], "it may be another suite's");
    await Deno.remove(`${parent}/id`);
    assert.deepEqual(await ours(), []);
  } finally {
    await Deno.remove(parent);
  }
});

test("a shim's socket is left over once nobody listens on it", { skip: needsRoot() }, async () => {
  const path = `/run/containerd/s/gantry-leftovers-${Deno.pid}`;
  await Deno.mkdir("/run/containerd/s", { recursive: true });
  // Only in a look at the whole machine, which other suites share: theirs are left out.
  const before = await snapshot();
  const ours = async (): Promise<readonly string[]> =>
    (await leftSince(before, { withinMs: 0 })).filter((line) => line.includes(path));
  const listener = Deno.listen({ transport: "unix", path });
  try {
    assert.deepEqual(await ours(), []);
    await Deno.rename(path, `${path}.moved`); // so that closing does not unlink it
    listener.close();
    await Deno.rename(`${path}.moved`, path);
    assert.deepEqual(await ours(), [`socket ${path}: nobody listens`]);
  } finally {
    await Deno.remove(path);
  }
  assert.deepEqual(await ours(), []);
});

test("what goes away in time is not left over", async () => {
  const scope = await Deno.makeTempDir();
  const before = await snapshot({ scope });
  // It ends when its stdin does, which is after the first look.
  await using child = new Deno.Command("cat", { env: { SCOPE: scope }, stdin: "piped", stdout: "null" }).spawn();
  try {
    await eventually(async () => (await leftSince(before, { withinMs: 0 })).length === 1, {
      what: "a process left over",
    });
    const gone = assertNothingLeft(before);
    await child.stdin.close();
    await gone;
    await child.status;
  } finally {
    await Deno.remove(scope, { recursive: true });
  }
});

test("a look at the whole machine takes processes and mounts of anyone", { skip: needsRoot() }, async () => {
  const { things } = await snapshot();
  assert.ok([...things.keys()].some((key) => key.startsWith("mount ")));
  assert.ok(![...things.keys()].some((key) => key.startsWith(`process ${Deno.pid} `)));
});
