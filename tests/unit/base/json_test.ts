import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import * as json from "../../../lib/base/json.ts";
import { test } from "../../support/test.ts";

const record = JSON.parse(`{
  "text": "a", "number": 1.5, "integer": 7, "yes": true, "object": {"x": 1}, "list": [1, "b"], "strings": ["a", "b"],
  "nothing": null, "huge": 9007199254740993
}`);

test("isRecord() is true for objects, not for arrays, null and plain values", () => {
  assert.equal(json.isRecord({}), true);
  for (const other of [null, undefined, [], "x", 1, () => 1]) assert.equal(json.isRecord(other), false);
});

test("the field readers give a value of the right type and undefined for everything else", () => {
  assert.equal(json.stringField(record, "text"), "a");
  assert.equal(json.numberField(record, "number"), 1.5);
  assert.equal(json.integerField(record, "integer"), 7);
  assert.equal(json.booleanField(record, "yes"), true);
  assert.deepEqual(json.recordField(record, "object"), { x: 1 });
  assert.deepEqual(json.arrayField(record, "list"), [1, "b"]);
  assert.deepEqual(json.stringsField(record, "strings"), ["a", "b"]);

  assert.equal(json.stringField(record, "number"), undefined);
  assert.equal(json.numberField(record, "text"), undefined);
  assert.equal(json.numberField({ n: NaN }, "n"), undefined);
  assert.equal(json.integerField(record, "number"), undefined);
  assert.equal(json.integerField(record, "huge"), undefined);
  assert.equal(json.booleanField(record, "nothing"), undefined);
  assert.equal(json.recordField(record, "list"), undefined);
  assert.equal(json.arrayField(record, "object"), undefined);
  assert.equal(json.stringsField(record, "list"), undefined);
  assert.equal(json.stringField(record, "absent"), undefined);
});

test("the field readers see own fields only", () => {
  assert.equal(json.recordField({}, "__proto__"), undefined);
  assert.equal(json.stringField(Object.create({ inherited: "x" }), "inherited"), undefined);
});

test("parseJson() names its source when the text is not JSON, and never fails otherwise", () => {
  assert.throws(() => json.parseJson("{", "/run/x.json"), (error) => {
    assert.ok(isCode(error, "data_loss"));
    assert.match(error.message, /^\/run\/x\.json is not JSON: /);
    return true;
  });
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      json.parseJson(text, "x");
    } catch (error) {
      assert.ok(isCode(error, "data_loss"));
    }
  }));
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    assert.equal(JSON.stringify(json.parseJson(text, "x")), text);
  }));
});
