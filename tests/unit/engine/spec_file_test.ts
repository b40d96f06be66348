import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { loadSpecFile, parseSpec } from "../../../lib/engine/spec/spec_file.ts";
import { encodeOci } from "../../../lib/wire/oci_json.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { test } from "../../support/test.ts";
import { gantryError, type InputParts, sampleId, specInput } from "./spec_fixtures.ts";

const file: Spec = {
  ociVersion: "1.0.2",
  process: {
    terminal: true,
    consoleSize: { height: 1, width: 1 },
    user: { uid: 7, gid: 8 },
    args: ["from", "file"],
    env: ["A=file", "B=file"],
    cwd: "/file",
  },
  root: { path: "/file/rootfs", readonly: true },
  hostname: "file",
  mounts: [{ destination: "/proc", type: "proc", source: "proc" }, { destination: "/data", type: "tmpfs" }],
  linux: {
    namespaces: [{ type: "mount" }, { type: "uts" }],
    resources: { devices: [{ allow: false }], memory: { limit: 1, swappiness: 10 } },
  },
};

function merged(options: InputParts["options"] = {}, spec: Spec = file): Spec {
  return mergedWithWarnings(options, spec).spec;
}

function mergedWithWarnings(options: InputParts["options"] = {}, spec: Spec = file): ReturnType<typeof buildSpec> {
  return buildSpec(specInput({
    options: { command: [], specFile: "c.json", ...options },
    resolved: { specFile: { path: "c.json", spec } },
  }));
}

test("without options a spec file is taken as it is but for root, terminal and a cgroup of its own", () => {
  const { spec, warnings } = mergedWithWarnings();
  const { consoleSize: _, ...process } = file.process ?? { user: { uid: 0, gid: 0 }, args: [], cwd: "/" };
  assert.deepEqual(spec, {
    ...file,
    process: { ...process, terminal: false },
    root: { path: "/srv/rootfs", readonly: true },
    linux: { ...file.linux, cgroupsPath: `/gantry/${sampleId}` },
  });
  assert.match(warnings.join(), /c\.json asks for a terminal; give -t/);
});

test("what is given goes over a spec file", () => {
  const spec = merged({
    command: ["c"],
    entrypoint: "e",
    env: ["A=flag"],
    cwd: "/flag",
    user: "root",
    hostname: "flag",
    tty: true,
    consoleSize: { width: 80, height: 24 },
    mounts: [{ type: "bind", source: "/s", target: "/data", options: [] }],
    memory: 64 * 1024 * 1024,
    annotations: { k: "v" },
  });
  assert.deepEqual(spec.process, {
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: ["e", "c"],
    env: ["A=flag", "B=file"],
    cwd: "/flag",
  });
  assert.equal(spec.hostname, "flag");
  assert.deepEqual(spec.mounts?.map((mount) => [mount.destination, mount.type]), [["/proc", "proc"], [
    "/data",
    "bind",
  ]]);
  assert.deepEqual(spec.linux?.resources, {
    devices: [{ allow: false }],
    // Of each controller only what was given is replaced.
    memory: { limit: 67108864, swap: 134217728, swappiness: 10 },
  });
  assert.deepEqual(spec.annotations, { k: "v" });
});

test("a cgroup that the file names is kept, and unknown fields too", () => {
  const spec = parseSpec({ ...file, linux: { cgroupsPath: "/theirs" }, vm: { x: [1, { y: "z" }] } }, "c.json");
  const result = merged({}, spec);
  assert.equal(result.linux?.cgroupsPath, "/theirs");
  assert.deepEqual(Reflect.get(result, "vm"), { x: [1, { y: "z" }] });
});

test("a file without a process needs a command", () => {
  const { process: _, ...rest } = file;
  assert.throws(() => merged({}, rest), gantryError("invalid_argument", /no command/));
  assert.deepEqual(merged({ command: ["sh"] }, rest).process, {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: ["sh"],
    cwd: "/",
  });
});

test("options about privileges cannot be combined with a file, and the message says which", () => {
  const refused: readonly (readonly [InputParts["options"], RegExp])[] = [
    [{ privileged: true }, /--privileged cannot be combined with --spec/],
    [{ capAdd: ["KILL"] }, /--cap-add/],
    [{ capDrop: ["KILL"] }, /--cap-drop/],
    [{ securityOpt: ["no-new-privileges"] }, /--security-opt/],
    [{ network: "host" }, /--network host/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => merged(options), gantryError("invalid_argument", message));
  }
});

test("X01 a mistake in a spec is told with the file and the field", () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [[], /the document must be an object, not a list/],
    ["x", /the document must be an object, not a string/],
    [{}, /ociVersion is missing/],
    [{ ociVersion: null }, /ociVersion is missing/],
    [{ ociVersion: 1 }, /ociVersion must be a string, not a number/],
    [{ ociVersion: "2.0.0" }, /ociVersion is "2\.0\.0"/],
    [{ ociVersion: "1.0.0", process: [] }, /process must be an object, not a list/],
    [{ ociVersion: "1.0.0", process: { user: {}, args: [], cwd: "/" } }, /process\.user\.uid is missing/],
    [spec({ args: ["a", 1] }), /process\.args\[1\] must be a string, not a number/],
    [spec({ args: ["a\0b"] }), /process\.args\[0\] contains a NUL/],
    [spec({ user: { uid: -1, gid: 0 } }), /process\.user\.uid is -1, out of range/],
    [spec({ user: { uid: 1.5, gid: 0 } }), /process\.user\.uid must be a whole number/],
    [spec({ terminal: "yes" }), /process\.terminal must be true or false, not a string/],
    [spec({ env: ["A=1", {}] }), /process\.env\[1\] must be a string, not an object/],
    [{ ociVersion: "1.0.0", mounts: [{ type: "proc" }] }, /mounts\[0\]\.destination is missing/],
    [{ ociVersion: "1.0.0", linux: { resources: { pids: {} } } }, /linux\.resources\.pids\.limit is missing/],
    [{ ociVersion: "1.0.0", annotations: { a: 1 } }, /annotations\["a"\] must be a string/],
    [{ ociVersion: "1.0.0", hooks: { prestart: [{}] } }, /hooks\["prestart"\]\[0\]\.path is missing/],
    [JSON.parse(`{"x":${"[".repeat(100)}${"]".repeat(100)}}`), /nested deeper than 32/],
  ];
  for (const [document, message] of refused) {
    assert.throws(
      () => parseSpec(document, "c.json"),
      gantryError("invalid_argument", new RegExp(`^--spec c\\.json: .*${message.source}`)),
      JSON.stringify(document),
    );
  }
});

test("X01 any JSON is a spec that can be merged and encoded, or an error that names the file", () => {
  // Mostly right, or hardly any document would get past the first check.
  const mostly = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
    fc.oneof({ arbitrary: right, weight: 9 }, { arbitrary: fc.jsonValue(), weight: 1 });
  const process = fc.record({
    user: mostly(fc.record({ uid: fc.nat(), gid: fc.nat() })),
    args: mostly(fc.array(fc.string())),
    env: mostly(fc.array(fc.string())),
    cwd: mostly(fc.string()),
  });
  const plausible = fc.record({
    ociVersion: mostly(fc.constantFrom("1.0.2", "1.2.0")),
    process: mostly(process),
    root: mostly(fc.record({ path: fc.string() })),
    mounts: mostly(fc.array(fc.record({ destination: fc.string() }))),
    linux: mostly(fc.record({ resources: mostly(fc.constant({})), namespaces: mostly(fc.constant([])) })),
    hooks: mostly(fc.constant({})),
  });
  let accepted = 0;
  fc.assert(
    fc.property(mostly(plausible), (document) => {
      try {
        JSON.parse(encodeOci(merged({ command: ["sh"], env: ["A=1"] }, parseSpec(document, "c.json"))));
        accepted++;
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
        assert.match(error.message, /c\.json/);
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(accepted > 100, String(accepted));
});

test("X01 any bytes in a file are a spec or an error that names the file", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/config.json`;
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.uint8Array(), fc.json().map((text) => new TextEncoder().encode(text))),
        async (bytes) => {
          await Deno.writeFile(path, bytes);
          await assert.rejects(loadSpecFile(path), gantryError("invalid_argument", new RegExp(path)));
        },
      ),
      { numRuns: 50 },
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

test("X01 endless, deep, missing and cut-off files are errors that name the file", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/config.json`;
  try {
    await assert.rejects(loadSpecFile("/dev/zero"), gantryError("resource_exhausted", /\/dev\/zero is larger than/));
    await assert.rejects(loadSpecFile(path), gantryError("not_found", new RegExp(path)));
    await assert.rejects(loadSpecFile(directory), (error) => error instanceof GantryError);
    await Deno.writeTextFile(path, `{"ociVersion":"1.0.2","x":${"[".repeat(200_000)}`);
    await assert.rejects(loadSpecFile(path), gantryError("invalid_argument", /not JSON/));
    await Deno.writeTextFile(path, `${"[".repeat(200_000)}${"]".repeat(200_000)}`);
    await assert.rejects(loadSpecFile(path), (error) => error instanceof GantryError);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

test("X04 an error about broken JSON does not quote it", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const text of ['{"env":["PASSWORD=hunter2"] hunter2', "hunter2", '{"a": hunter2}']) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(
        loadSpecFile(path),
        (error) => error instanceof GantryError && !/hunter2/.test(error.message),
      );
    }
  } finally {
    await Deno.remove(path);
  }
});

test("an unlimited limit survives the way through a file", async () => {
  const path = await Deno.makeTempFile();
  try {
    const rlimits = '"rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":18446744073709551615}]';
    const text = `{"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":["a"],"cwd":"/",${rlimits}}}`;
    await Deno.writeTextFile(path, text);
    assert.equal(encodeOci((await loadSpecFile(path)).spec), text);
  } finally {
    await Deno.remove(path);
  }
});

function spec(process: Readonly<Record<string, unknown>>): unknown {
  return { ociVersion: "1.0.0", process: { user: { uid: 0, gid: 0 }, args: ["a"], cwd: "/", ...process } };
}
