import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { loadSeccompFile, parseSeccompProfile } from "../../../lib/engine/spec/seccomp_file.ts";
import { resolveSeccomp } from "../../../lib/engine/spec/seccomp_profile.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

const target = { host: { architecture: "x86_64" as const, kernel: "6.1.0" }, capabilities: ["CAP_KILL"] };

test("a profile in docker's format is resolved for the architecture, the kernel and the capabilities", () => {
  const profile = parseSeccompProfile({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    archMap: [
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
    ],
    syscalls: [
      { names: ["a"], action: "SCMP_ACT_ALLOW", args: null, comment: "", includes: {}, excludes: {} },
      { name: "old", action: "SCMP_ACT_ALLOW" },
      { names: ["has"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_KILL"] } },
      { names: ["lacks"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_KILL", "CAP_CHOWN"] } },
      { names: ["without"], action: "SCMP_ACT_ALLOW", excludes: { caps: ["CAP_CHOWN", "CAP_KILL"] } },
      { names: ["arm"], action: "SCMP_ACT_ALLOW", includes: { arches: ["arm64"] } },
      { names: ["amd"], action: "SCMP_ACT_ALLOW", includes: { arches: ["arm64", "amd64"] } },
      { names: ["notamd"], action: "SCMP_ACT_ALLOW", excludes: { arches: ["amd64"] } },
      { names: ["new"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "6.1" } },
      { names: ["newer"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "6.2" } },
      { names: ["before"], action: "SCMP_ACT_ALLOW", excludes: { minKernel: "6.2" } },
      { names: ["any"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "", arches: [], caps: [] } },
      {
        names: ["args"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 22,
        args: [{ index: 1, value: 7, valueTwo: 3, op: "SCMP_CMP_MASKED_EQ" }],
      },
    ],
  }, "p.json");
  const seccomp = resolveSeccomp(profile, target);
  assert.equal(seccomp.defaultErrnoRet, 38);
  assert.deepEqual(seccomp.architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
  assert.deepEqual(
    (seccomp.syscalls ?? []).flatMap((rule) => rule.names),
    ["a", "old", "has", "amd", "new", "before", "any", "args"],
  );
  assert.deepEqual(seccomp.syscalls?.at(-1), {
    names: ["args"],
    action: "SCMP_ACT_ERRNO",
    errnoRet: 22,
    args: [{ index: 1, value: 7, valueTwo: 3, op: "SCMP_CMP_MASKED_EQ" }],
  });
});

test("a plain OCI filter passes through unchanged", () => {
  const oci = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_RISCV64"],
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
    listenerPath: "/run/agent.sock",
    listenerMetadata: "m",
    syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
  };
  assert.deepEqual(resolveSeccomp(parseSeccompProfile(oci, "p.json"), target), oci);
});

test("a mistake is told with the file and the field", () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [[], /the document must be an object/],
    [null, /the document must be an object, not null/],
    [{}, /defaultAction is missing/],
    [{ defaultAction: "ALLOW" }, /defaultAction is "ALLOW", which is none of/],
    [{ defaultAction: "SCMP_ACT_ALLOW", syscalls: {} }, /syscalls must be a list/],
    [{ defaultAction: "SCMP_ACT_ALLOW", architectures: ["x86"] }, /architectures\[0\]/],
    [{ defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: -1 }, /defaultErrnoRet is -1/],
    [rule({ names: "mkdir" }), /syscalls\[0\]\.names must be a list, not a string/],
    [rule({ names: ["a"], name: "b" }), /syscalls\[0\] must have either name or names/],
    [rule({}), /syscalls\[0\] must have either name or names/],
    [rule({ names: ["a"], action: "DENY" }), /syscalls\[0\]\.action is "DENY"/],
    [rule({ names: ["a"], includes: { cap: ["CAP_KILL"] } }), /syscalls\[0\]\.includes\.cap is unknown/],
    [rule({ names: ["a"], excludes: { minKernel: "4" } }), /excludes\.minKernel must be a kernel version/],
    [
      rule({ names: ["a"], includes: { caps: ["CAP_KIL"] } }),
      /syscalls\[0\]\.includes\.caps\[0\] must be the name of a capability/,
    ],
    [rule({ names: ["a"], args: [{ index: 6, value: 0, op: "SCMP_CMP_EQ" }] }), /args\[0\]\.index is 6/],
    [
      rule({ names: ["a"], args: [{ index: 0, value: 2 ** 60, op: "SCMP_CMP_EQ" }] }),
      /args\[0\]\.value is .* out of range/,
    ],
    [rule({ names: ["a"], args: [{ index: 0, value: 0, op: "EQ" }] }), /args\[0\]\.op is "EQ"/],
    [
      {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_ARM"],
        archMap: [{ architecture: "SCMP_ARCH_ARM" }],
      },
      /both architectures and archMap/,
    ],
  ];
  for (const [document, message] of refused) {
    assert.throws(
      () => parseSeccompProfile(document, "p.json"),
      gantryError("invalid_argument", new RegExp(`^seccomp profile p\\.json: .*${message.source}`)),
      JSON.stringify(document),
    );
  }
});

test("X01 any JSON is a profile or an error that names the file", () => {
  const plausible = fc.record({
    defaultAction: fc.constantFrom("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "x"),
    archMap: fc.oneof(fc.jsonValue(), fc.array(fc.record({ architecture: fc.constant("SCMP_ARCH_X86_64") }))),
    syscalls: fc.oneof(fc.jsonValue(), fc.array(fc.record({ names: fc.jsonValue(), includes: fc.jsonValue() }))),
  }, { requiredKeys: [] });
  fc.assert(fc.property(fc.oneof(fc.jsonValue(), plausible), (document) => {
    try {
      resolveSeccomp(parseSeccompProfile(document, "p.json"), target);
    } catch (error) {
      assert.ok(error instanceof GantryError, String(error));
      assert.match(error.message, /p\.json/);
    }
  }));
});

test("a profile is read from its file; a missing or torn one is an error that names it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/p.json`;
    await assert.rejects(loadSeccompFile(path), gantryError("not_found", new RegExp(path)));
    await Deno.writeTextFile(path, '{"defaultAction": "SCMP_ACT');
    await assert.rejects(loadSeccompFile(path), gantryError("invalid_argument", /p\.json is not JSON/));
    await Deno.writeTextFile(path, '{"defaultAction": "SCMP_ACT_ALLOW"}');
    assert.equal((await loadSeccompFile(path)).defaultAction, "SCMP_ACT_ALLOW");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function rule(fields: Readonly<Record<string, unknown>>): unknown {
  return { defaultAction: "SCMP_ACT_ERRNO", syscalls: [{ action: "SCMP_ACT_ALLOW", ...fields }] };
}
