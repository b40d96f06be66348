import assert from "node:assert/strict";
import fc from "fast-check";
import { formatPercent, formatTraffic } from "../../../lib/cli/units.ts";
import { test } from "../../support/test.ts";

test("traffic has docker's units: steps of 1000, three digits", () => {
  const expected = {
    "0B": 0,
    "1B": 1,
    "999B": 999,
    "1kB": 1000,
    "1.25kB": 1250,
    "12.3kB": 12_345,
    "123kB": 123_456,
    "1MB": 999_999,
    "34.6MB": 34_567_890,
    "1GB": 1e9,
    "2.5TB": 2.5e12,
    "9.01PB": Number.MAX_SAFE_INTEGER,
    "18.4EB": 2 ** 64,
  };
  for (const [text, bytes] of Object.entries(expected)) assert.equal(formatTraffic(bytes), text);
});

test("traffic is never written with an exponent or more than five characters before its unit", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => assert.match(formatTraffic(bytes), /^[\d.]{1,4}(B|kB|MB|GB|TB|PB)$/)),
  );
});

test("percentages have two decimals, and dashes when they are not known", () => {
  assert.deepEqual([0, 0.0249, 137.5, undefined].map(formatPercent), ["0.00%", "0.02%", "137.50%", "--"]);
});
