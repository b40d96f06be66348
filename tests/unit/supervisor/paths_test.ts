import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { instancePaths } from "../../../lib/supervisor/paths.ts";
import { test } from "../../support/test.ts";

test("every file of an instance lies in its root or state directory", () => {
  const { root, state, ...files } = instancePaths({ root: "/var/lib/gantry/", state: "/run/gantry//" });
  assert.deepEqual([root, state], ["/var/lib/gantry", "/run/gantry"]);
  for (const path of Object.values(files)) assert.match(path, /^(\/var\/lib\/gantry|\/run\/gantry)\/[^/]/);
  assert.equal(files.address, "/run/gantry/containerd.sock");
  assert.equal(files.ttrpcAddress, "/run/gantry/containerd.sock.ttrpc");
});

test("an address may be a path or a unix:// URL", () => {
  for (const address of ["/x/y.sock", "unix:///x/y.sock"]) {
    assert.equal(instancePaths({ root: "/r", state: "/s", address }).address, "/x/y.sock");
  }
  for (const address of ["y.sock", "tcp://1.2.3.4:5", "", "unix://y", "/x/", "/x\0y"]) {
    assert.throws(() => instancePaths({ root: "/r", state: "/s", address }), (error) => {
      assert.ok(isCode(error, "invalid_argument"));
      return error.message.includes(JSON.stringify(address));
    });
  }
});

test("S20 a socket path over 104 bytes is refused with its length, and so is one whose .ttrpc is", () => {
  const address = (bytes: number): string => `/${"x".repeat(bytes - 1)}`;
  assert.equal(instancePaths({ root: "/r", state: "/s", address: address(98) }).ttrpcAddress.length, 104);
  for (const [bytes, said] of [[99, 105], [105, 105], [200, 200]] as const) {
    assert.throws(() => instancePaths({ root: "/r", state: "/s", address: address(bytes) }), (error) => {
      assert.ok(isCode(error, "invalid_argument"));
      assert.match(error.message, new RegExp(`is ${said} bytes long; at most 104 work`));
      return /--state|--address/.test(error.hint ?? "");
    });
  }
  // Bytes, not letters.
  assert.throws(() => instancePaths({ root: "/r", state: `/${"ü".repeat(45)}` }), /is 107 bytes long/);
});
