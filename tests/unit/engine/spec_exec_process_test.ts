import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { buildExecProcess, type ExecInput, type ExecOptions } from "../../../lib/engine/spec/exec_process.ts";
import { allCapabilities } from "../../../lib/wire/capabilities.ts";
import type { Process } from "../../../lib/wire/oci.ts";
import { encodeOci } from "../../../lib/wire/oci_json.ts";
import { test } from "../../support/test.ts";
import { fullHost, gantryError, type InputParts, specInput } from "./spec_fixtures.ts";

const someone = { uid: 1000, gid: 100, groups: [100, 27], home: "/home/u" };
const root = { uid: 0, gid: 0, groups: [0], home: "/root" };

/** A container's spec as it comes back from containerd. */
function stored(parts: InputParts = {}): unknown {
  return JSON.parse(encodeOci(buildSpec(specInput(parts)).spec));
}

function input(given: Partial<ExecOptions> = {}, more: Partial<ExecInput> = {}): ExecInput {
  const options = { command: ["id"], env: [], tty: false, ...given };
  return { spec: stored({ options: { env: ["A=1"], cwd: "/w" } }), options, host: fullHost, ...more };
}

function processOf(given?: Partial<ExecOptions>, more?: Partial<ExecInput>): Process {
  return buildExecProcess(input(given, more)).process;
}

test("T07 an exec is the container's own process with another command", () => {
  const { spec } = buildSpec(specInput({ options: { env: ["A=1"], cwd: "/w" } }));
  const { process, warnings } = buildExecProcess(input());
  assert.deepEqual(process, { ...spec.process, args: ["id"] });
  assert.deepEqual(warnings, []);
});

test("T07 limits, score, profile and no-new-privileges are the container's", () => {
  const options = {
    ulimits: [{ name: "core", soft: 0, hard: -1 }],
    oomScoreAdj: 100,
    securityOpt: ["apparmor=mine", "no-new-privileges"],
    groupAdd: ["5"],
  };
  const spec = stored({ options, resolved: { extraGroups: [5] } });
  const process = processOf({}, { spec });
  assert.deepEqual(process.rlimits, [{ type: "RLIMIT_CORE", soft: 0, hard: 2 ** 64 }]);
  assert.match(encodeOci(process), /"hard":18446744073709551615/);
  assert.deepEqual([process.oomScoreAdj, process.apparmorProfile, process.noNewPrivileges], [100, "mine", true]);
  assert.deepEqual(process.user.additionalGids, [0, 5]);
});

test("T07 variables and directory go over the container's", () => {
  const process = processOf({ env: ["A=2", "B=3", "HOME=/x"], cwd: "/tmp" });
  assert.deepEqual(process.env?.slice(1), ["HOSTNAME=0123456789ab", "HOME=/x", "A=2", "B=3"]);
  assert.equal(process.cwd, "/tmp");
});

test("T04 a terminal of the exec's own has TERM and its size, whatever the container has", () => {
  const consoleSize = { width: 100, height: 30 };
  const withTerminal = processOf({ tty: true, consoleSize });
  assert.equal(withTerminal.terminal, true);
  assert.deepEqual(withTerminal.consoleSize, { width: 100, height: 30 });
  assert.ok(withTerminal.env?.includes("TERM=xterm"));
  const spec = stored({ options: { tty: true, consoleSize, env: ["TERM=vt100"] } });
  const without = processOf({}, { spec });
  assert.equal(without.terminal, false);
  assert.equal(without.consoleSize, undefined);
  assert.deepEqual(processOf({ tty: true }, { spec }).env?.filter((entry) => entry.startsWith("TERM=")), [
    "TERM=vt100",
  ]);
});

test("T07 another user has its own ids, groups and home, and no capabilities but the bounding set", () => {
  const process = processOf({ user: "u" }, { resolvedUser: someone });
  assert.deepEqual(process.user, { uid: 1000, gid: 100, additionalGids: [100, 27] });
  assert.ok(process.env?.includes("HOME=/home/u"));
  assert.deepEqual(Object.keys(process.capabilities ?? {}), ["bounding"]);
  assert.equal(process.capabilities?.bounding?.length, 14);
  assert.ok(processOf({ user: "u", env: ["HOME=/mine"] }, { resolvedUser: someone }).env?.includes("HOME=/mine"));
});

test("T07 root in a container of another user has the container's capabilities", () => {
  const spec = stored({ resolved: { user: someone } });
  const process = processOf({ user: "root" }, { spec, resolvedUser: root });
  assert.deepEqual(process.capabilities?.effective, process.capabilities?.bounding);
  assert.ok(process.env?.includes("HOME=/root"));
});

test("T07 the same user by name keeps what the container gave it, and nobody looked up is a mistake of ours", () => {
  const spec = stored({ options: { env: ["HOME=/given"] } });
  assert.ok(processOf({ user: "root" }, { spec, resolvedUser: root }).env?.includes("HOME=/given"));
  // Without --user what was looked up does not count.
  assert.equal(processOf({}, { resolvedUser: someone }).user.uid, 0);
  assert.equal(processOf({ user: "" }, { resolvedUser: someone }).user.uid, 0);
  assert.throws(() => processOf({ user: "u" }), TypeError);
});

test("T07 a privileged exec has every capability and no profile, and keeps the filter, which is told", () => {
  const spec = stored({ options: { securityOpt: ["apparmor=mine"] } });
  const { process, warnings } = buildExecProcess(
    input({ privileged: true, user: "u" }, { spec, resolvedUser: someone }),
  );
  assert.deepEqual(process.capabilities, {
    bounding: allCapabilities,
    effective: allCapabilities,
    permitted: allCapabilities,
  });
  assert.equal(process.apparmorProfile, "unconfined");
  assert.match(warnings.join(), /filter of system calls stays on/);
  const free = buildExecProcess(input({ privileged: true }, { spec: stored({ options: { privileged: true } }) }));
  assert.deepEqual(free.warnings, []);
  assert.equal(free.process.apparmorProfile, undefined);
});

test("T16 what no process can have is refused before anything is done", () => {
  const refused: readonly (readonly [Partial<ExecOptions>, RegExp])[] = [
    [{ command: [] }, /no command/],
    [{ command: [""] }, /no command/],
    [{ command: ["a", "b\0"] }, /NUL/],
    [{ env: ["A"] }, /NAME=VALUE/],
    [{ cwd: "x" }, /--workdir "x" is not absolute/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => processOf(options), gantryError("invalid_argument", message), JSON.stringify(options));
  }
});

test("a stored spec of another client is used as far as it goes, and told where it does not", () => {
  const bare = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["x"], cwd: "/", capabilities: null },
  };
  assert.deepEqual(processOf({}, { spec: bare }), {
    user: { uid: 0, gid: 0 },
    args: ["id"],
    cwd: "/",
    terminal: false,
    env: [],
  });
  assert.equal(processOf({ user: "u" }, { spec: bare, resolvedUser: someone }).capabilities, undefined);
  assert.throws(
    () => processOf({}, { spec: { ociVersion: "1.0.2" } }),
    gantryError("failed_precondition", /no process to start from/),
  );
  const unusable: readonly unknown[] = [undefined, null, 7, [], {}, { ociVersion: "2.0" }, {
    ...bare,
    process: { ...bare.process, args: "x" },
  }];
  for (const spec of unusable) {
    assert.throws(
      () => processOf({}, { spec }),
      gantryError("data_loss", /the container's stored OCI spec is unusable/),
      JSON.stringify(spec),
    );
  }
});

test("X01 no stored document makes an exec do anything but a process or an error of ours", () => {
  const keys = fc.constantFrom("ociVersion", "process", "user", "args", "env", "cwd", "capabilities", "uid", "linux");
  const { document } = fc.letrec((tie) => ({
    document: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("1.0.2", "", "/", 0, 1, -1, true, null),
      fc.array(tie("document"), { maxLength: 3 }),
      fc.dictionary(keys, tie("document"), { maxKeys: 5 }),
    ),
  }));
  const process = fc.record({ user: document, args: document, cwd: document, env: document, capabilities: document });
  const spec = fc.oneof(document, fc.record({ ociVersion: fc.constant("1.0.2"), process }));
  fc.assert(fc.property(spec, (given) => {
    try {
      const built = processOf({ user: "u" }, { spec: given, resolvedUser: someone });
      assert.deepEqual(built.args, ["id"]);
    } catch (error) {
      assert.ok(error instanceof GantryError, String(error));
    }
  }));
});
