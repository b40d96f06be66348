import assert from "node:assert/strict";
import { type ByteSource, copy, writeAll } from "../../../lib/engine/copy.ts";
import { AttachedStdio } from "../../../lib/engine/stdio.ts";
import { test } from "../../support/test.ts";

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const base = await Deno.makeTempDir();
  try {
    await body(`${base}/run`);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

async function text(file: ByteSource): Promise<string> {
  const chunks: Uint8Array[] = [];
  await copy(file, { write: (bytes) => Promise.resolve(chunks.push(bytes.slice()) && bytes.length) });
  return new TextDecoder().decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
}

test("stdout and stderr are read apart, to their ends, once the writer has come and gone", async () => {
  await withDirectory(async (directory) => {
    await using stdio = await AttachedStdio.open(directory, { stdin: false, terminal: false });
    const { stdout, stderr } = stdio;
    assert.ok(stderr !== undefined);
    const read = Promise.all([text(stdout), text(stderr)]);
    const [out, err] = [stdio.paths.stdout, stdio.paths.stderr].map((path) => Deno.openSync(path, { write: true }));
    stdio.established();
    assert.ok(out !== undefined && err !== undefined);
    await writeAll(out, new TextEncoder().encode("to stdout"));
    await writeAll(err, new TextEncoder().encode("to stderr"));
    out.close();
    err.close();
    assert.deepEqual(await read, ["to stdout", "to stderr"]);
  });
});

test("a create that failed ends the readers: nobody waits for a writer that never comes", async () => {
  await withDirectory(async (directory) => {
    const stdio = await AttachedStdio.open(directory, { stdin: true, terminal: false });
    const read = text(stdio.stdout);
    stdio.established();
    assert.equal(await read, "");
    await stdio[Symbol.asyncDispose]();
    await assert.rejects(Deno.stat(directory), Deno.errors.NotFound);
  });
});

test("with a terminal there is one stream, and stderr has no path", async () => {
  await withDirectory(async (directory) => {
    await using stdio = await AttachedStdio.open(directory, { stdin: true, terminal: true });
    assert.deepEqual(stdio.paths, {
      stdin: `${directory}/stdin`,
      stdout: `${directory}/stdout`,
      stderr: "",
      terminal: true,
    });
    assert.equal(stdio.stderr, undefined);
  });
});

test("stdin can be written before anybody reads it, and ends when both sides have closed it", async () => {
  await withDirectory(async (directory) => {
    await using stdio = await AttachedStdio.open(directory, { stdin: true, terminal: false });
    assert.ok(stdio.stdin !== undefined);
    await writeAll(stdio.stdin, new TextEncoder().encode("early"));
    using reader = Deno.openSync(stdio.paths.stdin, { read: true });
    const read = text(reader);
    stdio.closeStdin();
    assert.equal(await read, "early");
    assert.equal(stdio.stdin, undefined);
  });
});

test("X02 the FIFOs and their directory are for their owner only", async () => {
  await withDirectory(async (directory) => {
    await using stdio = await AttachedStdio.open(directory, { stdin: true, terminal: false });
    assert.equal((await Deno.stat(directory)).mode ?? 0 & 0o777, 0o40700);
    for (const path of [stdio.paths.stdin, stdio.paths.stdout, stdio.paths.stderr]) {
      const info = await Deno.stat(path);
      assert.equal(info.isFifo, true);
      assert.equal((info.mode ?? 0) & 0o777, 0o600);
    }
  });
});

test("writeAll goes on where a short write stopped", async () => {
  const written: number[] = [];
  const sink = {
    write(bytes: Uint8Array): Promise<number> {
      written.push(...bytes.subarray(0, 3));
      return Promise.resolve(Math.min(3, bytes.length));
    },
  };
  await writeAll(sink, new Uint8Array([1, 2, 3, 4, 5, 6, 7]));
  assert.deepEqual(written, [1, 2, 3, 4, 5, 6, 7]);
});
