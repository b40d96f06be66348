import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import {
  compress,
  type Compression,
  compressionOf,
  compressions,
  parseCompression,
  uncompress,
} from "../../../lib/engine/archive/compression.ts";
import { readTar } from "../../../lib/engine/archive/tar_reader.ts";
import { loadZstd } from "../../../lib/engine/archive/zstd_stream.ts";
import { test } from "../../support/test.ts";
import { bytesOf, streamOf, tarOf } from "./archive_setting.ts";

loadZstd();

async function archive(): Promise<Uint8Array<ArrayBuffer>> {
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  return await tarOf({ name: "a", content: noise }, { name: "b", content: new Uint8Array(300_000) });
}

async function read(data: Uint8Array): Promise<number> {
  let bytes = 0;
  for await (const { body } of readTar(await uncompress(streamOf(data, 4096)))) bytes += (await bytesOf(body)).length;
  return bytes;
}

test("the file's name or an option chooses the compression", () => {
  const names: readonly (readonly [string, Compression])[] = [
    ["x.tar", "none"],
    ["x.tar.gz", "gzip"],
    ["x.TGZ", "gzip"],
    ["x.tar.zst", "zstd"],
    ["x.tzst", "zstd"],
    ["x", "none"],
  ];
  for (const [name, expected] of names) assert.equal(compressionOf(name), expected, name);
  for (const name of compressions) assert.equal(parseCompression(name), name);
  assert.throws(() => parseCompression("xz"), (error) => isCode(error, "invalid_argument"));
});

for (const compression of compressions) {
  test(`a ${compression} archive is recognised by its bytes and read back`, async () => {
    const whole = await archive();
    const packed = await bytesOf(await compress(streamOf(whole), compression));
    assert.ok(compression === "none" || packed.length < 70_000);
    assert.equal(await read(packed), 360_000);
  });

  test(`C02 a ${compression} archive that is cut is refused`, async () => {
    const packed = await bytesOf(await compress(streamOf(await archive()), compression));
    for (const share of [0.02, 0.3, 0.5, 0.9]) {
      const cut = packed.slice(0, Math.floor(packed.length * share));
      await assert.rejects(read(cut), (error) => isCode(error, "data_loss"), String(share));
    }
  });
}

test("X01 changed bytes in a compressed archive give an error, never a crash or a hang", async () => {
  for (const compression of ["gzip", "zstd"] as const) {
    const packed = await bytesOf(await compress(streamOf(await archive()), compression));
    for (let at = 40; at < packed.length; at += 1009) {
      const changed = packed.slice();
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      await assert.rejects(read(changed), (error) => isCode(error, "data_loss"), `${compression} at ${at}`);
    }
  }
});

test("the programs gzip and zstd read what gantry packs, and gantry what they pack", async () => {
  const whole = await archive();
  for (const [program, compression] of [["gzip", "gzip"], ["zstd", "zstd"]] as const) {
    if (!await installed(program)) continue;
    const packed = await bytesOf(await compress(streamOf(whole), compression));
    assert.deepEqual(await piped([program, "-dc"], packed), whole);
    assert.equal(await read(await piped([program, "-c"], whole)), 360_000);
  }
});

test("an archive packed in another way is refused with the way to unpack it", async () => {
  const xz = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0, 0);
  await assert.rejects(read(xz), (error) => isCode(error, "unimplemented") && /xz -d/.test(error.hint ?? ""));
  for (const data of [new Uint8Array(0), Uint8Array.of(1, 2, 3)]) {
    await assert.rejects(read(data), (error) => isCode(error, "data_loss"));
  }
});

test("a reader that leaves a compressed stream early ends its source", async () => {
  for (const compression of compressions) {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(crypto.getRandomValues(new Uint8Array(50_000))),
      cancel: () => void (cancelled = true),
    });
    const reader = (await compress(endless, compression)).getReader();
    await reader.read();
    await reader.cancel();
    for (let turn = 0; turn < 1000 && !cancelled; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(cancelled, compression);
  }
});

async function installed(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

async function piped([program = "", ...args]: readonly string[], input: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  await using child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  const [, output] = await Promise.all([streamOf(input, 65536).pipeTo(child.stdin), bytesOf(child.stdout)]);
  assert.ok((await child.status).success);
  return output;
}
