import assert from "node:assert/strict";
import fc from "fast-check";
import { BootstrapParams, BootstrapResult } from "../../../proto/gen/shim/bootstrap.ts";
import { encodeLegacyOptions, encodeParameters, parseStartOutput } from "../../../lib/wire/bootstrap.ts";
import { packRuntimeOptions, runtimeOptionsJson } from "../../../lib/wire/runtime_options.ts";
import { test } from "../../support/test.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const address = "unix:///run/containerd/s/0123456789abcdef";

test("D01 a shim's output is understood in all three dialects", () => {
  assert.deepEqual(parseStartOutput(bytes(address)), { version: 2, address, protocol: "ttrpc" });
  assert.deepEqual(parseStartOutput(bytes(`${address}\n`)), { version: 2, address, protocol: "ttrpc" });
  const json = JSON.stringify({ version: 3, address, protocol: "ttrpc" });
  assert.deepEqual(parseStartOutput(bytes(json)), { version: 3, address, protocol: "ttrpc" });
  const result = { version: 3, address, protocol: "grpc" };
  assert.deepEqual(parseStartOutput(BootstrapResult.encode(result).finish()), result);
});

test("D01 what is no output of a shim is a SyntaxError, never an address", () => {
  for (const junk of ["", "\n", "{", "{}", "null", '{"version":3}', "panic: x", "unix:", "unix:// x"]) {
    assert.throws(() => parseStartOutput(bytes(junk)), SyntaxError, junk);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (junk) => {
      try {
        assert.match(parseStartOutput(junk).address, /^[a-z]+:\/\//);
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("D01 the parameters name the container, its namespace and the options", () => {
  const options = packRuntimeOptions({ root: "/r", shimCgroup: "/g" });
  const decoded = BootstrapParams.decode(
    encodeParameters({ id: "c", namespace: "n", address: "/a", events: "/e", options, debug: true }),
  );
  assert.deepEqual(
    [decoded.instanceId, decoded.namespace, decoded.grpcAddress, decoded.ttrpcAddress, decoded.logLevel],
    ["c", "n", "/a", "/e", -4],
  );
  assert.deepEqual(decoded.extensions.map(({ value }) => value?.typeUrl), ["containerd.runc.v1.Options"]);
  assert.equal(decoded.socketDir, undefined);
});

test("options of the runtime are packed as containerd packs them", () => {
  assert.deepEqual(
    [...encodeLegacyOptions(packRuntimeOptions({ root: "/r" }))],
    [0x0a, 0x1a, ...bytes("containerd.runc.v1.Options"), 0x12, 4, 0x3a, 2, ...bytes("/r")],
  );
  assert.equal(runtimeOptionsJson({}), "{}");
  assert.equal(
    runtimeOptionsJson({ binary: "crun", root: "/r", systemdCgroup: true }),
    '{"binary_name":"crun","root":"/r","systemd_cgroup":true}',
  );
});
