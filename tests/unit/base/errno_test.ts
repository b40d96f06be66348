import assert from "node:assert/strict";
import { codeOfErrno, errnoError, errnoName, errnoOf, systemError } from "../../../lib/base/errno.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { test } from "../../support/test.ts";

test("errnoName() names the known numbers and shows the others", () => {
  assert.equal(errnoName(2), "ENOENT");
  assert.equal(errnoName(28), "ENOSPC");
  assert.equal(errnoName(4242), "errno 4242");
});

test("codeOfErrno() gives each errno its class of error", () => {
  const expected = {
    ENOENT: "not_found",
    ESRCH: "not_found",
    EEXIST: "already_exists",
    EACCES: "permission_denied",
    EPERM: "permission_denied",
    ENOSPC: "resource_exhausted",
    EDQUOT: "resource_exhausted",
    EMFILE: "resource_exhausted",
    EINVAL: "invalid_argument",
    ECONNREFUSED: "unavailable",
    ENXIO: "unavailable",
    EIO: "internal",
  };
  for (const [name, code] of Object.entries(expected)) assert.equal(codeOfErrno(name), code, name);
});

test("errnoError() says what was tried, the errno, and what to do about a full disk", () => {
  const error = errnoError("ENOSPC", "write /run/x");
  assert.equal(error.code, "resource_exhausted");
  assert.equal(error.message, "cannot write /run/x: ENOSPC");
  assert.match(error.hint ?? "", /free some space/);
});

test("systemError() reads the errno of Deno's own errors and keeps them as the cause", async () => {
  const cause = await Deno.readTextFile("/nonexistent/file").catch((error: unknown) => error);
  assert.equal(errnoOf(cause), "ENOENT");
  const error = systemError(cause, "read /nonexistent/file");
  assert.equal(error.code, "not_found");
  assert.equal(error.message, "cannot read /nonexistent/file: ENOENT");
  assert.equal(error.cause, cause);
});

test("systemError() keeps a GantryError and makes anything else internal", () => {
  const own = new GantryError("aborted", "x");
  assert.equal(systemError(own, "do it"), own);
  const strange = systemError("a string", "do it");
  assert.equal(strange.code, "internal");
  assert.equal(strange.message, "cannot do it: a string");
  assert.equal(errnoOf("a string"), undefined);
});
