import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import { startFailureOf } from "../../../lib/engine/start_failure.ts";
import { test } from "../../support/test.ts";

const runc =
  "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process:";

// Texts seen from runc 1.1.5, 1.1.15, 1.3 and crun 1.8 (prefix shortened).
const seen = [
  [`${runc} exec: "nope": executable file not found in $PATH: unknown`, "command_not_found"],
  [`${runc} exec: "/nope": stat /nope: no such file or directory: unknown`, "command_not_found"],
  [`${runc} exec: "/etc/passwd/x": stat /etc/passwd/x: not a directory: unknown`, "command_not_found"],
  [`${runc} exec: "/etc/passwd": permission denied: unknown`, "command_not_executable"],
  [`${runc} exec: "/etc": is a directory: unknown`, "command_not_executable"],
  [
    "OCI runtime create failed: executable file `nope` not found in $PATH: No such file or directory: unknown",
    "command_not_found",
  ],
  ["OCI runtime create failed: open executable: Permission denied: unknown", "command_not_executable"],
  [`${runc} error mounting "/x" to rootfs at "/y": no such file or directory: unknown`, undefined],
  ["failed to create shim task: permission denied: unknown", undefined],
] as const;

for (const [message, failure] of seen) {
  test(`T01 a start that fails with ${JSON.stringify(message.slice(-70))} is ${failure ?? "our own failure"}`, () => {
    assert.equal(startFailureOf(new GantryError("unknown", message)), failure);
  });
}

test("an error of somebody else is no failure of the command", () => {
  assert.equal(startFailureOf(new Error('exec: "nope": executable file not found in $PATH')), undefined);
});
