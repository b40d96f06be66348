import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { copy } from "../../../lib/engine/copy.ts";
import { FileFollower } from "../../../lib/engine/file_follower.ts";
import { eventually } from "../../support/eventually.ts";
import { test } from "../../support/test.ts";
import { temporaryDirectory } from "../base/directories.ts";

/** A watcher that is closed ends a moment after the test. */
const watched = { sanitizeOps: false };

/** Collects what a follower gives until its end. */
function collected(follower: FileFollower): { readonly text: () => string; readonly done: Promise<void> } {
  const parts: Uint8Array[] = [];
  const sink = {
    write(bytes: Uint8Array): Promise<number> {
      parts.push(bytes.slice());
      return Promise.resolve(bytes.length);
    },
  };
  return {
    done: copy(follower, sink),
    text: () => parts.map((part) => new TextDecoder().decode(part)).join(""),
  };
}

test("a followed file is read from its end on, as it grows, to where it ends when it is told to", watched, async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/log`;
  await Deno.writeTextFile(path, "before");
  using follower = new FileFollower(path, { clock: systemClock });
  const { text, done } = collected(follower);
  for (const word of ["one ", "two ", "three "]) {
    await Deno.writeTextFile(path, word, { append: true });
    await eventually(() => text().endsWith(word), { what: word, withinMs: 5000, everyMs: 1 });
  }
  await Deno.writeTextFile(path, "last", { append: true });
  follower.end();
  await Deno.writeTextFile(path, "too late", { append: true });
  await done;
  assert.equal(text(), "one two three last");
});

test("a followed file that is deleted is read to its end", watched, async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/log`;
  using file = await Deno.open(path, { append: true, create: true });
  using follower = new FileFollower(path, { clock: systemClock });
  const { text, done } = collected(follower);
  await Deno.remove(path);
  await file.write(new TextEncoder().encode("after"));
  await eventually(() => text() === "after", { what: "what was written after" });
  assert.equal(follower.size, 5);
  follower.end();
  await done;
});

test("a follower that is disposed ends a read that waits; a file that is not there is not_found", watched, async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/log`;
  assert.throws(() => new FileFollower(path, { clock: systemClock }), (error) => isCode(error, "not_found"));
  await Deno.writeTextFile(path, "");
  const follower = new FileFollower(path, { clock: systemClock });
  const read = follower.read(new Uint8Array(1));
  follower[Symbol.dispose]();
  assert.equal(await read, null);
  assert.equal(await follower.read(new Uint8Array(1)), null);
});
