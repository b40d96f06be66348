import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { acquireLock, isLocked, lockHolder } from "../../../lib/base/lock.ts";
import { needsRoot, test } from "../../support/test.ts";
import { namesIn, smallDisk, temporaryDirectory } from "./directories.ts";
import { FakeClock } from "./fake_clock.ts";

test("a lock is held until it is released, and its file goes with it", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  assert.equal(await isLocked(path), false);
  assert.equal(await lockHolder(path), undefined);
  const lock = await acquireLock(path, { content: '{"pid":1}' });
  assert.equal(lock.path, path);
  assert.equal(await isLocked(path), true);
  assert.equal(await lockHolder(path), '{"pid":1}');
  assert.equal((await Deno.stat(path)).mode, 0o100600);
  await lock.release();
  await lock.release();
  assert.equal(await isLocked(path), false);
  assert.deepEqual(namesIn(directory.path), []);
});

test("S16 a second holder is refused and told who has the lock", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  await using _first = await acquireLock(path, { content: '{"pid":4711}' });
  const clock = new FakeClock();
  await assert.rejects(acquireLock(path, { content: "second", clock }), (error) => {
    assert.ok(isCode(error, "failed_precondition"));
    assert.equal(error.message, `${path} is locked by {"pid":4711}`);
    assert.match(error.hint ?? "", /stop the process/);
    return true;
  });
  assert.deepEqual(clock.sleeps, [], "it is refused at once");
  assert.equal(await lockHolder(path), '{"pid":4711}', "the refused one has changed nothing");
});

test("a holder that has not said who it is gets a little time to do so", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  await using _first = await acquireLock(path, { content: "" });
  const clock = new FakeClock();
  await assert.rejects(acquireLock(path, { content: "second", clock }), {
    message: `${path} is locked by a process that has not said who it is`,
  });
  assert.deepEqual(clock.sleeps, [10, 10, 10, 10]);
});

test("a file that a dead holder left is taken over, with its old content gone", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  await Deno.writeTextFile(path, "a much longer content of someone who died");
  assert.equal(await isLocked(path), false);
  assert.equal(await lockHolder(path), undefined);
  await using _lock = await acquireLock(path, { content: "me" });
  assert.equal(await Deno.readTextFile(path), "me");
});

test("the lock dies with its process by SIGKILL, though a child of it lives on", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  const program = new URL("./fixtures/lock_holder.ts", import.meta.url).pathname;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, path],
    stdout: "piped",
  }).spawn();
  const reader = holder.stdout.getReader();
  const orphan = Number(new TextDecoder().decode((await reader.read()).value));
  try {
    assert.equal(await lockHolder(path), JSON.stringify({ pid: holder.pid }));
    assert.equal(openFilesOf(orphan).includes(path), false, "the child has not inherited the lock");
    holder.kill("SIGKILL");
    await holder.status;
    Deno.kill(orphan, "SIGCONT");
    await using _lock = await acquireLock(path, { content: "next" });
    assert.equal(await lockHolder(path), "next");
  } finally {
    try {
      holder.kill("SIGKILL");
    } catch {
      // Killed above.
    }
    await holder.status;
    await reader.cancel();
    Deno.kill(orphan, "SIGKILL");
  }
});

/** Files that it closes meanwhile, as the dynamic loader does at a program's start, are left out. */
function openFilesOf(pid: number): readonly string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}

test("who unlinks under the lock never makes two holders: 8 contenders, one at a time", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  let inside = 0;
  let entered = 0;
  const contender = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      try {
        await using _lock = await acquireLock(path, { content: "x", clock: new FakeClock() });
        inside++;
        entered++;
        assert.equal(inside, 1);
        await Deno.stat(directory.path);
        inside--;
      } catch (error) {
        assert.ok(isCode(error, "failed_precondition"), String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, contender));
  assert.ok(entered > 8);
  assert.deepEqual(namesIn(directory.path), []);
});

test("asking whether it is locked does not refuse those who want the lock", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  await Deno.writeTextFile(path, "");
  let done = false;
  const asking = (async () => {
    while (!done) await isLocked(path);
  })();
  try {
    for (let i = 0; i < 100; i++) await (await acquireLock(path, { content: "x" })).release();
  } finally {
    done = true;
    await asking;
  }
});

test("release() leaves a file alone that somebody else put there", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/lock`;
  const lock = await acquireLock(path, { content: "x" });
  await Deno.remove(path);
  await Deno.writeTextFile(path, "not ours");
  await lock.release();
  assert.equal(await Deno.readTextFile(path), "not ours");
});

test("S19 a full disk is an error that names the lock, and leaves none", { skip: needsRoot() }, async () => {
  await using disk = await smallDisk("64k");
  await disk.fill();
  const path = `${disk.path}/lock`;
  await assert.rejects(acquireLock(path, { content: "x" }), (error) => {
    assert.ok(isCode(error, "resource_exhausted"));
    assert.equal(error.message, `cannot write the lock ${path}: ENOSPC`);
    return true;
  });
  assert.deepEqual(namesIn(disk.path), ["filler"]);
});

test(
  "S19 on a full disk a lock that need not name its holder is held without a name",
  { skip: needsRoot() },
  async () => {
    await using disk = await smallDisk("64k");
    await disk.fill();
    const path = `${disk.path}/lock`;
    {
      await using _lock = await acquireLock(path, { content: "x", needsContent: false });
      assert.equal(await isLocked(path), true);
      await assert.rejects(acquireLock(path, { content: "y", clock: new FakeClock() }), /has not said who it is/);
    }
    assert.deepEqual(namesIn(disk.path), ["filler"]);
  },
);

test("a lock in a missing directory and an aborted signal are errors", async () => {
  await using directory = await temporaryDirectory();
  await assert.rejects(
    acquireLock(`${directory.path}/no/lock`, { content: "x" }),
    (error) => isCode(error, "not_found"),
  );
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(acquireLock(`${directory.path}/lock`, { content: "x", signal }), /enough/);
  assert.deepEqual(namesIn(directory.path), []);
});
