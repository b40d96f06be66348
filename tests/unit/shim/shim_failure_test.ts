import assert from "node:assert/strict";
import { type ErrorCode, GantryError } from "../../../lib/base/errors.ts";
import { shimFailure } from "../../../lib/shim/shim_failure.ts";
import { test } from "../../support/test.ts";

const words: readonly (readonly [string, ErrorCode])[] = [
  ["cannot delete a running process", "failed_precondition"],
  ["cannot start a running process", "failed_precondition"],
  ["cannot pause task in created state", "failed_precondition"],
  ["cannot resume a running process", "failed_precondition"],
  ["cannot exec in a stopped container", "failed_precondition"],
  [
    "OCI runtime exec failed: exec failed: cannot exec in a paused container (use --ignore-paused to override)",
    "failed_precondition",
  ],
  ["OCI runtime pause failed: container not running", "failed_precondition"],
  ["id x already exists", "already_exists"],
  ["OCI runtime create failed: container with given id already exists", "already_exists"],
  ["container does not exist", "not_found"],
  ["OCI runtime create failed: runc create failed: unable to start container process", "unknown"],
];

test("a shim's words are classes of errors, and stay as they are", () => {
  for (const [message, code] of words) {
    const failure = shimFailure(new GantryError("unknown", message));
    assert.ok(failure instanceof GantryError);
    assert.deepEqual([failure.code, failure.message], [code, message]);
  }
});

test("an error that has a class keeps it", () => {
  const error = new GantryError("not_found", "cannot delete a running process");
  assert.equal(shimFailure(error), error);
  const other = new Error("already exists");
  assert.equal(shimFailure(other), other);
});
