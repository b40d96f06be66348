import assert from "node:assert/strict";
import { closeFd, mkfifo, openFd, openFlags } from "../../../lib/base/libc_files.ts";
import { readNow, untilReady, writeNow, writeWaiting } from "../../../lib/base/poller.ts";
import { test } from "../../support/test.ts";

/** Calls `body` with descriptors of `count` FIFOs, open for both directions and non-blocking. */
async function withFifos(
  count: number,
  body: (fds: readonly number[], directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const fds: number[] = [];
  try {
    for (let i = 0; i < count; i++) {
      mkfifo(`${directory}/${i}`, 0o600);
      fds.push(openFd(`${directory}/${i}`, openFlags.readWrite | openFlags.nonBlocking | openFlags.closeOnExec));
    }
    await body(fds, directory);
  } finally {
    for (const fd of fds) closeFd(fd);
    await Deno.remove(directory, { recursive: true });
  }
}

const buffer = new Uint8Array(64 << 10);
const bytes = new TextEncoder().encode("bytes");

test("what is not there yet is undefined, and waited for without a poll of its own for each", async () => {
  await withFifos(50, async (fds) => {
    for (const fd of fds) assert.equal(readNow(fd, buffer), undefined);
    // More than the 32 blocking threads that reads would take.
    const waits = fds.map((fd) => untilReady(fd, "readable"));
    await Deno.stat("/");
    for (const fd of fds.toReversed()) assert.equal(writeNow(fd, bytes), 5);
    await Promise.all(waits);
    for (const fd of fds) assert.equal(readNow(fd, buffer), 5);
  });
});

test("a wait that is aborted rejects with the reason, and takes no byte", async () => {
  await withFifos(2, async ([first = -1, second = -1]) => {
    const aborter = new AbortController();
    const waits = [untilReady(first, "readable", aborter.signal), untilReady(second, "readable")];
    aborter.abort(new Error("enough"));
    await assert.rejects(waits[0] ?? Promise.resolve(), /enough/);
    await assert.rejects(untilReady(first, "readable", aborter.signal), /enough/);
    writeNow(first, bytes);
    writeNow(second, bytes);
    await waits[1];
    assert.equal(readNow(first, buffer), 5);
  });
});

test("a full pipe takes what there is room for, then nothing, and tells when there is room again", async () => {
  await withFifos(1, async ([fd = -1]) => {
    let written = 0;
    for (let taken = writeNow(fd, buffer); taken !== undefined; taken = writeNow(fd, buffer)) written += taken;
    assert.equal(written, 65536);
    const room = untilReady(fd, "writable");
    assert.equal(readNow(fd, buffer), 65536);
    await room;
    assert.equal(writeNow(fd, bytes), 5);
  });
});

test("the end of a stream is null", async () => {
  await withFifos(1, async (_, directory) => {
    const reader = openFd(`${directory}/0`, openFlags.readOnly | openFlags.nonBlocking);
    const writer = openFd(`${directory}/0`, openFlags.writeOnly | openFlags.nonBlocking);
    closeFd(writer);
    // The third end, of withFifos, is still there.
    assert.equal(readNow(reader, buffer), undefined);
    closeFd(reader);
    mkfifo(`${directory}/other`, 0o600);
    const alone = openFd(`${directory}/other`, openFlags.readOnly | openFlags.nonBlocking);
    const once = openFd(`${directory}/other`, openFlags.writeOnly | openFlags.nonBlocking);
    const ready = untilReady(alone, "readable");
    closeFd(once);
    await ready;
    assert.equal(readNow(alone, buffer), null);
    closeFd(alone);
  });
});

test("bytes written with waiting come once and in order, whether the pipe blocks or not", async () => {
  for (const flags of [0, openFlags.nonBlocking]) {
    const directory = await Deno.makeTempDir();
    mkfifo(`${directory}/f`, 0o600);
    const reader = openFd(`${directory}/f`, openFlags.readWrite | openFlags.nonBlocking);
    const writer = openFd(`${directory}/f`, openFlags.writeOnly | flags);
    const source = new Uint8Array(new Uint32Array(100_000).map((_, i) => i).buffer);
    const seen = new Uint8Array(source.length);
    const writing = (async () => {
      for (let start = 0; start < source.length;) {
        start += await writeWaiting(writer, source.subarray(start, start + 70_000));
      }
    })();
    for (let total = 0; total < seen.length;) {
      await untilReady(reader, "readable");
      total += readNow(reader, seen.subarray(total, total + 3000)) ?? 0;
    }
    await writing;
    assert.deepEqual(seen, source);
    closeFd(reader);
    // Nobody reads any more.
    await assert.rejects(writeWaiting(writer, bytes), { code: "unavailable", message: /EPIPE/ });
    closeFd(writer);
    await Deno.remove(directory, { recursive: true });
  }
});

test("a full disk is an error of its own", async () => {
  const full = openFd("/dev/full", openFlags.writeOnly);
  await assert.rejects(writeWaiting(full, bytes), { code: "resource_exhausted", message: /ENOSPC/ });
  closeFd(full);
});
