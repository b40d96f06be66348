import assert from "node:assert/strict";
import fc from "fast-check";
import { formatBytes, parseBytes } from "../../../lib/base/bytes.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { test } from "../../support/test.ts";

test("parseBytes() reads docker's sizes: every unit is of 1024", () => {
  const expected = {
    "64m": 64 * 2 ** 20,
    "1.5g": 1.5 * 2 ** 30,
    "512k": 512 * 1024,
    "100b": 100,
    "100B": 100,
    "1GiB": 2 ** 30,
    "1GB": 2 ** 30,
    "1 gb": 2 ** 30,
    "2T": 2 ** 41,
    "1p": 2 ** 50,
    "123": 123,
    "0": 0,
    "1.9": 1,
    "0.5k": 512,
  };
  for (const [text, bytes] of Object.entries(expected)) assert.equal(parseBytes(text), bytes, text);
});

test("parseBytes() refuses what is negative, garbage or too large, with the value and the right form", () => {
  for (
    const text of [
      "",
      "m",
      "-1m",
      "+1",
      "1x",
      "1i",
      "1ib",
      "1mm",
      "1e3",
      "0x10",
      "1.",
      ".5k",
      "1  m",
      "1m ",
      "NaN",
      "99999p",
    ]
  ) {
    assert.throws(() => parseBytes(text), (error) => {
      assert.ok(isCode(error, "invalid_argument"), text);
      assert.equal(error.message, `${JSON.stringify(text)} is not a size`);
      assert.match(error.hint ?? "", /64m/);
      return true;
    }, text);
  }
});

test("formatBytes() shows four digits and never 1024 of a unit", () => {
  const expected = [
    [0, "0B"],
    [1023, "1023B"],
    [1024, "1KiB"],
    [1536, "1.5KiB"],
    [2 ** 30 - 1, "1GiB"],
    [2 ** 29, "512MiB"],
    [2_097_000_000, "1.953GiB"],
    [2 ** 53, "8PiB"],
    [2 ** 62, "4096PiB"],
  ] as const;
  for (const [bytes, text] of expected) assert.equal(formatBytes(bytes), text);
});

test("parseBytes() reads back what formatBytes() writes, to its four digits", () => {
  fc.assert(fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER - 2 ** 45 }), (bytes) => {
    assert.ok(Math.abs(parseBytes(formatBytes(bytes)) - bytes) <= bytes / 1000 + 1);
  }));
  fc.assert(fc.property(fc.nat(), (bytes) => assert.equal(parseBytes(String(bytes)), bytes)));
});

test("parseBytes() gives a whole number or invalid_argument for any text", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{0,8} ?[kmgtpxKMGTP]?[iI]?[bB]?$/)), (text) => {
    try {
      const bytes = parseBytes(text);
      assert.ok(Number.isSafeInteger(bytes) && bytes >= 0);
    } catch (error) {
      assert.ok(isCode(error, "invalid_argument"));
    }
  }));
});
