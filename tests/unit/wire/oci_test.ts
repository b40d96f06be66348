import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeOci } from "../../../lib/wire/oci_json.ts";
import { test } from "../../support/test.ts";

test("limits that mean none come out as the integers Go can read", () => {
  const parsed: unknown = JSON.parse(
    '{"rlimit":18446744073709551615,"memory":9223372036854775807,"least":-9223372036854775808,"pages":9223372036854771712}',
  );
  assert.ok(typeof parsed === "object" && parsed !== null);
  assert.equal(
    encodeOci(parsed),
    '{"rlimit":18446744073709551615,"memory":9223372036854775807,"least":-9223372036854775808,"pages":9223372036854771712}',
  );
});

test("everything else is encoded as JSON.stringify does", () => {
  const isLarge = (value: unknown): boolean =>
    typeof value === "number"
      ? Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) <= 2 ** 64
      : typeof value === "object" && value !== null && Object.values(value).some(isLarge);
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    if (typeof value !== "object" || value === null || isLarge(value)) return;
    assert.equal(encodeOci(value), JSON.stringify(value));
  }));
});

test("a large integer is written in full, within 64 bits", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (integer) => {
    const text = /^\{"n":(-?[0-9]+)\}$/.exec(encodeOci({ n: Number(integer) }))?.[1] ?? "";
    assert.ok(BigInt(text) < 2n ** 64n && BigInt(text) >= -(2n ** 63n));
    assert.equal(Number(text), Number(integer));
  }));
});

test("fields that are undefined are left out", () => {
  assert.equal(encodeOci({ a: undefined, b: 1 }), '{"b":1}');
});
