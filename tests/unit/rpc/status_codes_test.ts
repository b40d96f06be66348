import assert from "node:assert/strict";
import { errorCodeOf, statusOf } from "../../../lib/rpc/status_codes.ts";
import { test } from "../../support/test.ts";

test("every status number of gRPC has its class, and back", () => {
  for (let status = 1; status <= 16; status++) assert.equal(statusOf(errorCodeOf(status)), status);
});

test("success and numbers nobody defined are no class of their own", () => {
  for (const status of [0, 17, -1, 2 ** 31]) assert.equal(errorCodeOf(status), "unknown");
});
