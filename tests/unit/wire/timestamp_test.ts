import assert from "node:assert/strict";
import { packJson, typeUrls, unpackJson } from "../../../lib/wire/any.ts";
import { toMillis } from "../../../lib/wire/timestamp.ts";
import { test } from "../../support/test.ts";

test("a timestamp is milliseconds since 1970", () => {
  assert.equal(toMillis({ seconds: 1_700_000_000n, nanos: 123_456_789 }), 1_700_000_000_123);
});

test("absent, zero and Go's zero time mean never", () => {
  assert.equal(toMillis(undefined), undefined);
  assert.equal(toMillis({ seconds: 0n, nanos: 0 }), undefined);
  assert.equal(toMillis({ seconds: -62135596800n, nanos: 0 }), undefined);
});

test("JSON packed in an Any comes out again, and junk is undefined", () => {
  assert.deepEqual(unpackJson(packJson(typeUrls.spec, { a: [1] })), { a: [1] });
  assert.equal(unpackJson({ typeUrl: typeUrls.spec, value: new Uint8Array([0xff, 0x7b]) }), undefined);
  assert.equal(unpackJson(undefined), undefined);
});
