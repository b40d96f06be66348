import assert from "node:assert/strict";
import { GantryError, isCode, messageOf, toGantryError } from "../../../lib/base/errors.ts";
import { test } from "../../support/test.ts";

test("a GantryError carries code, hint and cause", () => {
  const cause = new Error("why");
  const error = new GantryError("not_found", "no such container: x", { hint: "see gantry ps -a", cause });
  assert.equal(error.name, "GantryError");
  assert.equal(error.code, "not_found");
  assert.equal(error.hint, "see gantry ps -a");
  assert.equal(error.cause, cause);
  assert.ok(error instanceof Error);
  assert.equal("cause" in new GantryError("not_found", "x"), false);
});

test("isCode() is true for a GantryError of that code only", () => {
  const error = new GantryError("aborted", "x");
  assert.equal(isCode(error, "aborted"), true);
  assert.equal(isCode(error, "unknown"), false);
  assert.equal(isCode({ code: "aborted" }, "aborted"), false);
});

test("messageOf() gives the message of anything that can be thrown", () => {
  assert.equal(messageOf(new TypeError("t")), "t");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
});

test("toGantryError() gives aborts, timeouts and strangers their code", () => {
  const own = new GantryError("internal", "x");
  assert.equal(toGantryError(own), own);
  assert.equal(toGantryError(new DOMException("stop", "AbortError")).code, "cancelled");
  assert.equal(toGantryError(new DOMException("late", "TimeoutError")).code, "deadline_exceeded");
  assert.equal(toGantryError(new Error("x")).code, "unknown");
});
