import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { entryPath } from "../../../lib/engine/archive/entry_name.ts";
import { readTar } from "../../../lib/engine/archive/tar_reader.ts";
import { writeTar } from "../../../lib/engine/archive/tar_writer.ts";
import { test } from "../../support/test.ts";
import { bytesOf, entriesOf, entry, folder, type Sample, streamOf, tarOf } from "./archive_setting.ts";

const everything: readonly Sample[] = [
  { name: "dir", type: "directory", mode: 0o1777 },
  { name: "dir/file", content: "hello", mode: 0o4755, uid: 3_000_000, gid: 7, mtimeMs: 1_234_567.25 },
  { name: "dir/empty", content: "" },
  { name: "dir/again", type: "link", linkname: "dir/file" },
  { name: "dir/sym", type: "symlink", linkname: "../elsewhere" },
  { name: "dev", type: "character-device", device: { major: 1, minor: 300 } },
  { name: "disk", type: "block-device", device: { major: 8, minor: 1 } },
  { name: "fifo", type: "fifo" },
  { name: `${"long".repeat(60)}/ümläut`, content: "x" },
  { name: "far", type: "symlink", linkname: "t".repeat(300) },
  { name: "old", content: "1969", mtimeMs: -1500 },
  {
    name: "attributes",
    content: "a",
    xattrs: new Map([["user.binary", Uint8Array.of(0, 255, 10, 61)], [
      "security.capability",
      Uint8Array.of(1, 0, 0, 2),
    ]]),
  },
];

test("an archive gives back what was put in: every type, long names, owners, times, devices, binary attributes", async () => {
  const read = await entriesOf(await tarOf(...everything));
  assert.deepEqual(
    read.map(({ path: _path, text: _text, ...rest }) => ({ ...rest, name: rest.name.replace(/\/$/, "") })),
    everything.map((sample) => entry(sample)),
  );
  assert.equal(read[1]?.text, "hello");
});

test("GNU tar reads what gantry writes, and gantry what GNU tar writes in each of its formats", async () => {
  await using place = await folder();
  const run = async (...args: string[]): Promise<string> => {
    const { success, stdout, stderr } = await new Deno.Command("tar", { args, cwd: place.path }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  await Deno.writeFile(`${place.path}/ours.tar`, await tarOf(...everything));
  const listed = await run("--numeric-owner", "-tvf", "ours.tar");
  assert.match(listed, /^crw-r--r-- \S+ +1,300 .* dev$/m);
  assert.match(listed, /^-rwsr-xr-x 3000000\/7 +5 .* dir\/file$/m);
  assert.match(listed, /^hrw-r--r-- .* dir\/again link to dir\/file$/m);
  await Deno.mkdir(`${place.path}/in`);
  const name = `${"n".repeat(150)}ü`;
  await Deno.writeTextFile(`${place.path}/in/${name}`, "content");
  await Deno.symlink("x".repeat(200), `${place.path}/in/link`);
  for (const format of ["gnu", "pax", "ustar"]) {
    // ustar has no room for the name and the link.
    const excluded = format === "ustar" ? ["--exclude=*nnn*", "--exclude=*link"] : [];
    await run(...excluded, "--format", format, "-cf", "theirs.tar", "in");
    const read = await entriesOf(await Deno.readFile(`${place.path}/theirs.tar`));
    assert.deepEqual(read.find(({ name }) => name.endsWith("ü"))?.text, format === "ustar" ? undefined : "content");
  }
});

test("C02 a tar cut at any byte is refused, and so is one with a changed header", async () => {
  const whole = await tarOf(...everything.slice(0, 4));
  for (let length = 0; length < whole.length; length += length % 512 === 511 ? 1 : 73) {
    await assert.rejects(entriesOf(whole.slice(0, length)), (error) => isCode(error, "data_loss"), `cut at ${length}`);
  }
  for (const at of [0, 100, 130, 156, 150, 300, 500]) {
    const changed = whole.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x15;
    await assert.rejects(entriesOf(changed), GantryError, `changed at ${at}`);
  }
});

test("X01 names that leave the directory are refused and named", async () => {
  for (
    const name of ["/etc/passwd", "../x", "a/../../x", "a/..", "..", "x/" + "y".repeat(300), "d/".repeat(600) + "x"]
  ) {
    await assert.rejects(
      async () => await entriesOf(await tarOf({ name, content: "x" })),
      (error) => isCode(error, "invalid_argument") && error.message.includes(JSON.stringify(name).slice(0, 20)),
      name,
    );
  }
  assert.equal(entryPath("./a//b/./c/"), "a/b/c");
  assert.equal(entryPath("."), "");
});

test("X01 a second entry of the same path is refused where paths must be unique, whatever way it is written", async () => {
  const twice = await tarOf({ name: "a/b", content: "1" }, { name: "./a//b", content: "2" });
  assert.equal((await entriesOf(twice)).length, 2);
  await assert.rejects(entriesOf(twice, { unique: true }), (error) => isCode(error, "invalid_argument"));
  await assert.rejects(entriesOf(twice, { maxEntries: 1 }), /more than 1 entries/);
});

test("X01 types that would be misread are refused: sparse files, and types nobody knows", async () => {
  const plain = await tarOf({ name: "file", content: "x" });
  for (const type of ["S", "M", "D", "V", "A"]) {
    const changed = plain.slice();
    changed[156] = type.charCodeAt(0);
    let sum = 8 * 32;
    changed.subarray(0, 512).forEach((byte, index) => sum += index >= 148 && index < 156 ? 0 : byte);
    new TextEncoder().encodeInto(`${sum.toString(8).padStart(6, "0")}\0 `, changed.subarray(148, 156));
    await assert.rejects(entriesOf(changed), /"file" is refused: its type/, type);
  }
});

test("X01 any bytes, and any archive with changed bytes, give an error or entries, never a crash or a hang", async () => {
  const whole = await tarOf(...everything);
  const read = async (data: Uint8Array, pieceBytes: number): Promise<void> => {
    await entriesOf(data, { pieceBytes }).catch((error: unknown) =>
      assert.ok(error instanceof GantryError, String(error))
    );
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5000 }),
      async (changes, pieceBytes) => {
        const changed = whole.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        await read(changed, pieceBytes);
      },
    ),
    { numRuns: 300 },
  );
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), (data) => read(data, 700)), { numRuns: 100 });
});

test("X01 any names, contents and attributes survive writing and reading", async () => {
  const part = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" })
    .filter((text) =>
      !/[/\0]/.test(text) && text.isWellFormed() && text !== "." && text !== ".." && !text.startsWith("\ufeff")
    );
  const sample = fc.record({
    name: fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/")),
    content: fc.uint8Array({ maxLength: 2000 }),
    mtimeMs: fc.integer({ min: -1e12, max: 1e13 }),
    uid: fc.nat(2 ** 31),
    xattrs: fc.uniqueArray(fc.tuple(fc.stringMatching(/^user\.[a-z]{1,9}$/), fc.uint8Array({ maxLength: 50 })), {
      selector: ([name]) => name,
    }).map((pairs) => new Map(pairs)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(sample, { maxLength: 4 }),
      fc.integer({ min: 1, max: 2000 }),
      async (samples, pieceBytes) => {
        const read = await entriesOf(await tarOf(...samples), { pieceBytes });
        assert.deepEqual(read.map(({ path: _path, text: _text, ...rest }) => rest), samples.map(entry));
        assert.deepEqual(read.map(({ text }) => text), samples.map(({ content }) => new TextDecoder().decode(content)));
      },
    ),
    { numRuns: 100 },
  );
});

test("bodies may be read, left alone, or left in the middle, however the archive is cut into pieces", async () => {
  const samples = Array.from(
    { length: 12 },
    (_, index) => ({ name: `${index}`, content: new Uint8Array(index * 400) }),
  );
  const whole = await tarOf(...samples);
  for (const pieceBytes of [100, 512, 1000, 2000, 3000, 5000, 50_000]) {
    for (const chosen of [0, 1, 2]) {
      const names: string[] = [];
      for await (const { name, body } of readTar(streamOf(whole, pieceBytes))) {
        names.push(name);
        if (Number(name) % 3 === chosen) await bytesOf(body);
        if (Number(name) % 3 === (chosen + 1) % 3) { for await (const _ of body) break; }
      }
      assert.equal(names.length, 12, `pieces of ${pieceBytes}`);
    }
  }
});

test("an error while an archive is written fails the stream, so that nobody takes a part for the whole", async () => {
  const broken = writeTar(async (writer) => {
    await writer.add(entry({ name: "first", content: "1" }), ReadableStream.from([Uint8Array.of(1)]));
    throw new GantryError("aborted", "the disk is gone");
  });
  await assert.rejects(bytesOf(broken), /the disk is gone/);
  const short = writeTar((writer) =>
    writer.add({ ...entry({ name: "x" }), size: 5 }, ReadableStream.from([Uint8Array.of(1)]))
  );
  await assert.rejects(bytesOf(short));
});

test("a reader that leaves early ends the writer before its stream counts as closed", async () => {
  let ended = false;
  const endless = writeTar(async (writer) => {
    try {
      for (let count = 0;; count++) {
        await writer.add(
          { ...entry({ name: `${count}` }), size: 1 << 20 },
          ReadableStream.from([new Uint8Array(1 << 20)]),
        );
      }
    } finally {
      ended = true;
    }
  });
  for await (const _ of readTar(endless)) break;
  assert.ok(ended);
});

test("an aborted signal ends reading and writing with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const endless = (): ReadableStream<Uint8Array> =>
    writeTar(async (writer) => {
      for (let count = 0;; count++) await writer.add(entry({ name: `${count}` }));
    }, { signal: controller.signal });
  const reading = (async () => {
    for await (const { name } of readTar(endless(), { signal: controller.signal })) {
      if (name === "100") controller.abort(reason);
    }
  })();
  await assert.rejects(reading, (error) => error === reason);
  await assert.rejects(
    bytesOf(streamOf(new Uint8Array(0)).pipeThrough(new TransformStream(), { signal: controller.signal })),
  );
});
