import assert from "node:assert/strict";
import fc from "fast-check";
import { didYouMean, nearest } from "../../../lib/base/suggest.ts";
import { test } from "../../support/test.ts";

test("nearest() finds the word with a letter too many, too few, wrong, or swapped", () => {
  const words = ["--name", "--rootfs", "--network", "--hostname"];
  assert.equal(nearest("--naame", words), "--name");
  assert.equal(nearest("--nam", words), "--name");
  assert.equal(nearest("--nome", words), "--name");
  assert.equal(nearest("--nmae", words), "--name");
  assert.equal(nearest("--NAME", words), "--name");
});

test("nearest() allows one edit for each three letters, and at least one", () => {
  assert.equal(nearest("rn", ["rm"]), "rm");
  assert.equal(nearest("rxx", ["rmm"]), undefined);
  assert.equal(nearest("chackpoind", ["checkpoint"]), "checkpoint");
  assert.equal(nearest("stapz", ["start"]), undefined);
});

test("nearest() suggests nothing that has not one letter in common", () => {
  assert.equal(nearest("x", ["y"]), undefined);
  assert.equal(nearest("", ["y"]), undefined);
  assert.equal(nearest("anything", []), undefined);
});

test("nearest() takes the nearest, and of equally near ones the first", () => {
  assert.equal(nearest("start", ["stat", "start", "star"]), "start");
  assert.equal(nearest("sto", ["stop", "stow"]), "stop");
});

test("nearest() gives one of the candidates or nothing, and a word for itself", () => {
  fc.assert(fc.property(fc.string(), fc.array(fc.string()), (word, candidates) => {
    const found = nearest(word, candidates);
    assert.ok(found === undefined || candidates.includes(found));
    if (word !== "") assert.equal(nearest(word, [word]), word);
  }));
});

test("nearest() finds every word from one swap of neighbours", () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z]{3,20}$/), fc.nat(), (word, position) => {
    const i = position % (word.length - 1);
    const swapped = word.slice(0, i) + word.charAt(i + 1) + word.charAt(i) + word.slice(i + 2);
    assert.equal(nearest(swapped, [word]), word);
  }));
});

test("didYouMean() is a sentence or nothing", () => {
  assert.equal(didYouMean("TREM", ["TERM"]), 'did you mean "TERM"?');
  assert.equal(didYouMean("xyz", ["TERM"]), undefined);
});
