import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { assertId, assertName, assertNamespace, isId, newId, shortId } from "../../../lib/wire/identifier.ts";
import { test } from "../../support/test.ts";

const refused = (why: RegExp) => (error: unknown): boolean => {
  assert.ok(isCode(error, "invalid_argument"), String(error));
  assert.match(error.message, why);
  assert.ok(error.hint !== undefined);
  return true;
};

test("T12 ids that could leave their directory are refused, and the message names them", () => {
  const bad = ["../x", "a__b", "", "-a", "a-", "a..b", "a/b", "a b", "ä", ".", "..", "a\0", "a\n", "_", "a._b"];
  for (const id of bad) {
    assert.throws(() => assertId(id), refused(/is not a container id/), JSON.stringify(id));
    assert.throws(() => assertNamespace(id), refused(/is not a namespace/), JSON.stringify(id));
    assert.equal(isId(id), false);
  }
  assert.throws(() => assertId("../x"), refused(/"\.\.\/x"/));
});

test("T12 an id of 76 characters passes and one of 77 says how long it is", () => {
  assertId("a".repeat(76));
  assert.throws(() => assertId("a".repeat(77)), refused(/77 characters long, the limit is 76/));
  assert.throws(() => assertNamespace("a".repeat(77)), refused(/limit is 76/));
});

test("ids and namespaces by containerd's rule pass", () => {
  for (const id of ["a", "0", "default", "k8s.io", "a.b-c_d", "moby", "A1", newId()]) {
    assertId(id);
    assertNamespace(id);
    assert.equal(isId(id), true);
  }
});

test("T12 no id that passes can name anything but a file of its own directory", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 90 }), (text) => {
    if (!isId(text)) return;
    assert.ok(!text.includes("/") && !text.includes("\0") && text !== "." && text !== ".." && text.length <= 76);
  }));
});

test("names follow docker's rule and end at 128 characters", () => {
  for (const name of ["ab", "a_", "a__b", "web.1", "Web-2", "a".repeat(128)]) assertName(name);
  for (const name of ["", "a", "_a", ".a", "-a", "a b", "a/b", "ä", "a\n"]) {
    assert.throws(() => assertName(name), refused(/is not a container name/), JSON.stringify(name));
  }
  assert.throws(() => assertName("a".repeat(129)), refused(/129 characters long, the limit is 128/));
});

test("new ids are 64 hexadecimal digits, differ, and are never short for a number", () => {
  const ids = Array.from({ length: 2000 }, newId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.doesNotMatch(shortId(id), /^[0-9]+$/);
    assertId(id);
    assertName(shortId(id));
  }
});

test("a short id is the first twelve characters", () => {
  assert.equal(shortId("0123456789abcdef"), "0123456789ab");
  assert.equal(shortId("web"), "web");
});
