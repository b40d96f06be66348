import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { mkfifo } from "../../../lib/base/libc_files.ts";
import { copy, writeAll } from "../../../lib/engine/copy.ts";
import { FifoReader, FifoWriter } from "../../../lib/engine/fifo.ts";
import { AttachedStdio } from "../../../lib/engine/stdio.ts";
import { smallDisk } from "../base/directories.ts";
import { needsRoot, test } from "../../support/test.ts";

async function withFifo(body: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    mkfifo(`${directory}/f`, 0o600);
    await body(`${directory}/f`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A poll(2) that is given up ends on a thread of its own, a moment after the test. */
const givenUp = { sanitizeOps: false };

test("a reader that is stopped leaves what it has not read to the next one, byte for byte", givenUp, async () => {
  await withFifo(async (path) => {
    using writer = new FifoWriter(path);
    using first = new FifoReader(path, { hold: false });
    const buffer = new Uint8Array(4);
    await writeAll(writer, bytes("abcdefgh"));
    assert.equal(await first.read(buffer), 4);
    assert.equal(text(buffer), "abcd");
    first.stop();
    assert.equal(await first.read(buffer), null, "stopped");
    using second = new FifoReader(path, { hold: false });
    assert.equal(await second.read(buffer), 4);
    assert.equal(text(buffer), "efgh");
    // One that waits is stopped too, and takes nothing on its way out.
    const waiting = second.read(buffer);
    second.stop();
    assert.equal(await waiting, null);
    await writeAll(writer, bytes("ijkl"));
    using third = new FifoReader(path, { hold: false });
    assert.equal(await third.read(buffer), 4);
    assert.equal(text(buffer), "ijkl");
  });
});

test("a held reader has no end before it is released", async () => {
  await withFifo(async (path) => {
    using reader = new FifoReader(path, { hold: true });
    const read = reader.read(new Uint8Array(1));
    Deno.openSync(path, { write: true }).close();
    assert.equal(await Promise.race([read, Deno.stat("/").then(() => "waits")]), "waits");
    reader.release();
    assert.equal(await read, null);
  });
});

test("T03 a write that nobody makes room for ends when the writer is closed", givenUp, async () => {
  await withFifo(async (path) => {
    const writer = new FifoWriter(path);
    await writeAll(writer, new Uint8Array(65536));
    const stuck = writer.write(bytes("x"));
    writer[Symbol.dispose]();
    await assert.rejects(stuck, Deno.errors.BadResource);
    await assert.rejects(writer.write(bytes("x")), Deno.errors.BadResource);
  });
});

test("two streams side by side are copied to their ends", async () => {
  await withFifo(async (path) => {
    using reader = new FifoReader(path, { hold: true });
    const seen: number[] = [];
    const copied = copy(reader, { write: (part) => Promise.resolve(seen.push(part.length) && part.length) });
    const writer = Deno.openSync(path, { write: true });
    reader.release();
    await writeAll(writer, new Uint8Array(1_000_000));
    writer.close();
    await copied;
    assert.equal(seen.reduce((sum, length) => sum + length, 0), 1_000_000);
  });
});

test("FIFOs that cannot be made leave no descriptor and no file", { skip: needsRoot() }, async () => {
  const before = Array.from(Deno.readDirSync("/proc/self/fd")).length;
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/file`, "");
  await assert.rejects(AttachedStdio.open(`${directory}/file/run`, { stdin: true, terminal: false }), {
    name: "GantryError",
    message: /make FIFOs in .*file\/run/,
  });
  // A directory that has one of them already: the others are made first.
  await Deno.mkdir(`${directory}/run/stderr`, { recursive: true });
  await assert.rejects(AttachedStdio.open(`${directory}/run`, { stdin: true, terminal: false }), {
    code: "already_exists",
  });
  // A poll(2) that an earlier test gave up may still be on its way out.
  await eventually(() => Array.from(Deno.readDirSync("/proc/self/fd")).length <= before, { what: "no new descriptor" });
  await assert.rejects(Deno.stat(`${directory}/run`), Deno.errors.NotFound);
  await Deno.remove(directory, { recursive: true });
});

test("T13 a state directory on a full disk is an error that says so", { skip: needsRoot() }, async () => {
  // Room for a directory and a FIFO or two.
  await using disk = await smallDisk("64k,nr_inodes=5");
  await assert.rejects(AttachedStdio.open(`${disk.path}/a/b`, { stdin: true, terminal: false }), {
    code: "resource_exhausted",
    hint: /free some space/,
  });
  await assert.rejects(Deno.stat(`${disk.path}/a/b`), Deno.errors.NotFound);
});
