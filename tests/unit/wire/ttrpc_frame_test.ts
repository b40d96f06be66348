import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, type Frame, FrameDecoder, maxPayloadBytes } from "../../../lib/wire/ttrpc_frame.ts";
import { test } from "../../support/test.ts";

const frames = fc.array(
  fc.record({
    streamId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    type: fc.constantFrom("request" as const, "response" as const, "data" as const),
    flags: fc.integer({ min: 0, max: 255 }),
    payload: fc.uint8Array({ maxLength: 9000 }),
  }, { noNullPrototype: true }),
  { maxLength: 6 },
);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

test("a frame is ten bytes of header, big endian, and the payload", () => {
  const bytes = encodeFrame({ streamId: 0x01020305, type: "response", flags: 4, payload: new Uint8Array([9, 8]) });
  assert.deepEqual([...bytes], [0, 0, 0, 2, 1, 2, 3, 5, 2, 4, 9, 8]);
});

test("X01 frames come out as they went in, however the stream is cut", () => {
  fc.assert(fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 5000 })), (given, cuts) => {
    const bytes = joined(given.map(encodeFrame));
    const decoder = new FrameDecoder();
    const got: Frame[] = [];
    for (let start = 0; start < bytes.length;) {
      const end = start + (cuts.next().value ?? 1);
      got.push(...decoder.push(bytes.subarray(start, end)));
      start = end;
    }
    assert.deepEqual(got, given);
    assert.equal(decoder.isBetweenFrames, true);
  }));
});

test("X01 bytes that are no frames are refused or waited on, never a crash", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
      const decoder = new FrameDecoder();
      try {
        for (const chunk of chunks) decoder.push(chunk);
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("a torn frame is not between frames", () => {
  const decoder = new FrameDecoder();
  assert.equal(decoder.isBetweenFrames, true);
  const bytes = encodeFrame({ streamId: 1, type: "request", flags: 0, payload: new Uint8Array(10) });
  assert.deepEqual(decoder.push(bytes.subarray(0, 15)), []);
  assert.equal(decoder.isBetweenFrames, false);
  assert.equal(decoder.push(bytes.subarray(15)).length, 1);
  assert.equal(decoder.isBetweenFrames, true);
});

test("D06 a length over the limit is refused before its bytes have come", () => {
  const header = new Uint8Array(10);
  new DataView(header.buffer).setUint32(0, maxPayloadBytes + 1);
  header[8] = 2;
  assert.throws(() => new FrameDecoder().push(header), SyntaxError);
  assert.throws(
    () => encodeFrame({ streamId: 1, type: "data", flags: 0, payload: new Uint8Array(maxPayloadBytes + 1) }),
    RangeError,
  );
});

test("the longest payload of all passes, and what follows it too", () => {
  const large = encodeFrame({ streamId: 1, type: "data", flags: 0, payload: new Uint8Array(maxPayloadBytes).fill(7) });
  const small = encodeFrame({ streamId: 3, type: "data", flags: 0, payload: new Uint8Array([1]) });
  const decoder = new FrameDecoder();
  const got = [
    ...decoder.push(large.subarray(0, 5_000)),
    ...decoder.push(large.subarray(5_000)),
    ...decoder.push(small),
  ];
  assert.deepEqual(got.map(({ payload }) => payload.length), [maxPayloadBytes, 1]);
  assert.ok(got[0]?.payload.every((byte) => byte === 7));
});

test("a payload is the receiver's own: later bytes do not change it", () => {
  const decoder = new FrameDecoder();
  const [first] = decoder.push(
    encodeFrame({ streamId: 1, type: "data", flags: 0, payload: new Uint8Array([1, 2, 3]) }),
  );
  decoder.push(encodeFrame({ streamId: 1, type: "data", flags: 0, payload: new Uint8Array([9, 9, 9]) }));
  assert.deepEqual([...first?.payload ?? []], [1, 2, 3]);
});
