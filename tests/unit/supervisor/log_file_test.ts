import assert from "node:assert/strict";
import { lastLogLines, logSize, rotateIdleLog, rotateOpenLog } from "../../../lib/supervisor/log_file.ts";
import { LogFollower } from "../../../lib/supervisor/log_follower.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";
import { namesIn, smallDisk } from "../base/directories.ts";
import { place } from "./temporary.ts";

test("lastLogLines() gives the last lines that say something", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  assert.deepEqual(lastLogLines(path, { count: 3 }), []);
  await Deno.writeTextFile(path, "one\ntwo\n\nthree\nfour");
  assert.deepEqual(lastLogLines(path, { count: 3 }), ["two", "three", "four"]);
  assert.deepEqual(lastLogLines(path, { count: 9, from: 8 }), ["three", "four"]);
  assert.deepEqual(lastLogLines(path, { count: 1, from: 10_000 }), ["four"], "a shorter file was rotated");
  await Deno.writeTextFile(path, `${"x".repeat(100_000)}\nend\n`);
  const lines = lastLogLines(path, { count: 2 });
  assert.equal(lines[1], "end");
  assert.equal(lines[0]?.length, 1001);
});

test("S03 an idle log is rotated by renaming once it is half full, and old ones go", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  const limits = { maxBytes: 100, maxFiles: 3 };
  for (let round = 1; round <= 5; round++) {
    await Deno.writeTextFile(path, `${round}`.repeat(50));
    rotateIdleLog(path, limits);
    assert.equal(logSize(path), 0);
  }
  assert.deepEqual(namesIn(here.path), ["log.1", "log.2"]);
  assert.match(await Deno.readTextFile(`${path}.1`), /^5+$/);
  assert.match(await Deno.readTextFile(`${path}.2`), /^4+$/);
  await Deno.writeTextFile(path, "short");
  rotateIdleLog(path, limits);
  assert.equal(await Deno.readTextFile(path), "short");
});

test("S03 a log that is being written is copied and cut, and the writer goes on in it", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  using writer = await Deno.open(path, { append: true, create: true });
  await writer.write(new TextEncoder().encode("before\n"));
  assert.equal(rotateOpenLog(path, { maxBytes: 100, maxFiles: 2 }), true);
  await writer.write(new TextEncoder().encode("after\n"));
  assert.equal(await Deno.readTextFile(`${path}.1`), "before\n");
  assert.equal(await Deno.readTextFile(path), "after\n");
  assert.equal(rotateOpenLog(path, { maxBytes: 100, maxFiles: 1 }), true);
  assert.deepEqual([logSize(path), namesIn(here.path)], [0, ["log", "log.1"]]);
});

test("S03 of a log that grew far over its limit while nobody looked, the end is kept", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  await Deno.writeTextFile(path, `${"x".repeat(5000)}end`);
  rotateOpenLog(path, { maxBytes: 100, maxFiles: 2 });
  const kept = await Deno.readTextFile(`${path}.1`);
  assert.equal(kept.length, 100);
  assert.ok(kept.endsWith("end"));
});

test("S03 on a full disk the log is cut without a copy", { skip: firstReason(needsRoot()) }, async () => {
  await using disk = await smallDisk("64k");
  const path = `${disk.path}/log`;
  await Deno.writeTextFile(path, "x".repeat(20_000));
  await disk.fill();
  assert.equal(rotateOpenLog(path, { maxBytes: 10_000, maxFiles: 3 }), false);
  assert.deepEqual([logSize(path), namesIn(disk.path)], [0, ["filler", "log"]]);
});

test("S03 a follower passes each line on once, also across rotations, cuts and pieces", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  await Deno.writeTextFile(path, "old line\n");
  const lines: string[] = [];
  const follower = new LogFollower({
    path,
    clock: new FakeClock(),
    maxBytes: 4096,
    maxFiles: 3,
    emit: (line) => lines.push(line),
  });
  const expected: string[] = [];
  using writer = await Deno.open(path, { append: true });
  const write = (text: string): void => void writer.writeSync(new TextEncoder().encode(text));
  for (let number = 0; number < 2000; number++) {
    const line = `line ${number} äöü`;
    expected.push(line);
    write(line.slice(0, 7));
    if (number % 3 === 0) follower.poll();
    write(`${line.slice(7)}\n`);
    if (number % 50 === 0) follower.poll();
  }
  follower.poll();
  assert.deepEqual(lines, expected);
  assert.ok(logSize(path) < 4096 + 2048);
  assert.deepEqual(namesIn(here.path), ["log", "log.1", "log.2"]);
  // Cut by somebody else, and written anew.
  Deno.truncateSync(path);
  write("fresh\n");
  follower.poll();
  assert.equal(lines.at(-1), "fresh");
  // Replaced by another file.
  Deno.renameSync(path, `${path}.moved`);
  await Deno.writeTextFile(path, "replaced, and longer than what was there before\n");
  follower.poll();
  assert.equal(lines.at(-1), "replaced, and longer than what was there before");
});

test("S03 a follower begins behind what is there, waits for a file to come, and ends with the last line", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  const lines: string[] = [];
  const clock = new FakeClock();
  const stop = new AbortController();
  const follower = new LogFollower({ path, clock, maxBytes: 1 << 20, maxFiles: 2, emit: (line) => lines.push(line) });
  const done = follower.run(stop.signal);
  await clock.advance(1000);
  await Deno.writeTextFile(path, "one\n");
  await clock.advance(1000);
  assert.deepEqual(lines, ["one"]);
  await Deno.writeTextFile(path, "two\n", { append: true });
  stop.abort();
  await done;
  assert.deepEqual(lines, ["one", "two"]);
  assert.equal(clock.sleepers, 0);
});

test("a line without an end does not grow for ever", async () => {
  await using here = await place();
  const path = `${here.path}/log`;
  await Deno.writeTextFile(path, "");
  const lines: string[] = [];
  const follower = new LogFollower({
    path,
    clock: new FakeClock(),
    maxBytes: 1 << 30,
    maxFiles: 2,
    emit: (line) => lines.push(line),
  });
  await Deno.writeTextFile(path, "x".repeat(3 << 20));
  follower.poll();
  assert.ok(lines.length >= 2);
});
