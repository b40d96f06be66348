import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../../lib/base/duration.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { test } from "../../support/test.ts";

test("parseDuration() reads Go's durations and takes a bare number for seconds", () => {
  const expected = {
    "1h2m3.5s": 3_723_500,
    "1m30s": 90_000,
    "250ms": 250,
    "500us": 0.5,
    "500µs": 0.5,
    "1000000ns": 1,
    "1.5h": 5_400_000,
    ".5s": 500,
    "2.s": 2000,
    "10": 10_000,
    "0.25": 250,
    "0": 0,
    "0s": 0,
    "1h1h": 7_200_000,
  };
  for (const [text, ms] of Object.entries(expected)) assert.ok(Math.abs(parseDuration(text) - ms) < 1e-9, text);
});

test("parseDuration() refuses what is negative, garbage or too long, with the value and the right form", () => {
  const bad = [
    "",
    " ",
    "-1",
    "-1s",
    "+1s",
    "1 s",
    "s",
    "1x",
    "1d",
    "1h2",
    "1m-2s",
    "1e3",
    "0x10",
    "NaN",
    "Infinity",
    ".",
    "1..5s",
  ];
  for (const text of [...bad, "9".repeat(400), "99999999999999h", "1s\n", "\u0661s"]) {
    assert.throws(() => parseDuration(text), (error) => {
      assert.ok(isCode(error, "invalid_argument"), text);
      assert.equal(error.message, `${JSON.stringify(text)} is not a duration`);
      assert.equal(error.hint, "write it as 1h2m3.5s or 250ms; a bare number is seconds");
      return true;
    }, text);
  }
});

test("formatDuration() writes the shortest form", () => {
  const expected = [[0, "0s"], [250, "250ms"], [0.5, "0.5ms"], [1000, "1s"], [90_000, "1m30s"], [
    3_600_000,
    "1h",
  ]] as const;
  for (const [ms, text] of expected) assert.equal(formatDuration(ms), text);
  assert.equal(formatDuration(3_723_500), "1h2m3.5s");
  assert.equal(formatDuration(999.9999), "1s");
  assert.equal(formatDuration(59_999.9999), "1m");
  assert.equal(formatDuration(-90_000), "-1m30s");
  assert.equal(formatDuration(100 * 3_600_000 + 1), "100h0.001s");
});

test("parseDuration() reads back what formatDuration() writes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 13 }), (ms) => {
    assert.ok(Math.abs(parseDuration(formatDuration(ms)) - ms) < 0.01);
  }));
  fc.assert(fc.property(fc.double({ min: 0, max: 10 ** 6, noNaN: true }), (ms) => {
    assert.ok(Math.abs(parseDuration(formatDuration(ms)) - ms) < 0.001);
  }));
});

test("parseDuration() gives a finite number or invalid_argument for any text", () => {
  const like = fc.stringMatching(/^[0-9.]{0,6}(h|m|s|ms|us|ns|d)?[0-9.]{0,3}(m|s)?$/);
  fc.assert(fc.property(fc.oneof(fc.string(), like), (text) => {
    try {
      const ms = parseDuration(text);
      assert.ok(Number.isFinite(ms) && ms >= 0);
    } catch (error) {
      assert.ok(isCode(error, "invalid_argument"));
    }
  }));
});

test("parseDuration() refuses a very long text in linear time", () => {
  assert.throws(() => parseDuration("1".repeat(200_000) + "x"), (error) => isCode(error, "invalid_argument"));
  assert.throws(() => parseDuration("1m".repeat(100_000) + "x"), (error) => isCode(error, "invalid_argument"));
});
