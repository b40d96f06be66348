import assert from "node:assert/strict";
import fc from "fast-check";
import { composeDevices } from "../../../lib/engine/spec/device_options.ts";
import { allDevicesRule, defaultDeviceRules, type GrantedDevice } from "../../../lib/engine/spec/devices.ts";
import { elfKind, findInit } from "../../../lib/engine/spec/init_program.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { test } from "../../support/test.ts";
import { gantryError, specInput } from "./spec_fixtures.ts";

function granted(source: string, path: string, access = "rwm"): GrantedDevice {
  return { device: { path, type: "c", major: 10, minor: 229, fileMode: 0o600, uid: 0, gid: 0 }, source, access };
}

test("a device that was granted is made and allowed after the default rules, which deny /dev/fuse", () => {
  const one = granted("/dev/fuse", "/dev/f", "r");
  const { devices, rules } = composeDevices({ granted: [one], privileged: false, hostDevices: [] });
  assert.deepEqual(devices, [one.device]);
  assert.deepEqual(rules, [...defaultDeviceRules, { allow: true, type: "c", major: 10, minor: 229, access: "r" }]);
  const { spec } = buildSpec(specInput({ resolved: { devices: [one] } }));
  assert.deepEqual(spec.linux?.devices, [one.device]);
  assert.deepEqual(spec.linux?.resources?.devices?.at(-1)?.access, "r");
});

test("a privileged container has every device at its own path, and those granted under another name too", () => {
  const fuse = granted("/dev/fuse", "/dev/fuse").device;
  const request = {
    granted: [granted("/dev/fuse", "/dev/f", "r"), granted("/dev/fuse", "/dev/fuse")],
    privileged: true,
  };
  const { devices, rules, warnings } = composeDevices({ ...request, hostDevices: [fuse] });
  assert.deepEqual(devices.map(({ path }) => path), ["/dev/fuse", "/dev/f"]);
  assert.deepEqual(rules, allDevicesRule);
  assert.deepEqual(warnings, ["--device /dev/fuse: the access r has no effect together with --privileged"]);
  // One in the place of a device of the host replaces it.
  const over = composeDevices({ granted: [granted("/dev/x", "/dev/fuse")], privileged: true, hostDevices: [fuse] });
  assert.equal(over.devices.length, 1);
});

test("two devices at one path are refused", () => {
  const twice = [granted("/dev/a", "/dev/x"), granted("/dev/b", "/dev/x")];
  assert.throws(
    () => composeDevices({ granted: twice, privileged: false, hostDevices: [] }),
    gantryError("invalid_argument", /two devices at \/dev\/x/, /SOURCE:TARGET/),
  );
});

test("an init goes before the command and is shown on the container's /dev", () => {
  const { spec } = buildSpec(
    specInput({ options: { entrypoint: "e", command: ["c"] }, resolved: { init: "/usr/bin/tini" } }),
  );
  assert.deepEqual(spec.process?.args, ["/dev/init", "--", "e", "c"]);
  assert.deepEqual(spec.mounts?.at(-1), {
    destination: "/dev/init",
    type: "bind",
    source: "/usr/bin/tini",
    options: ["bind", "ro", "rprivate"],
  });
  for (const target of ["/dev", "/dev/init"]) {
    const mounts = [{ type: "bind" as const, source: "/s", target, options: [] }];
    assert.throws(
      () => buildSpec(specInput({ options: { mounts }, resolved: { init: "/i" } })),
      gantryError("invalid_argument", /--init cannot be combined with a mount at/),
    );
  }
});

/** A program header table of the given types behind an ELF header. */
function elf(...types: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64 + 56 * types.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, types.length, true);
  types.forEach((type, index) => view.setUint32(64 + 56 * index, type, true));
  return bytes;
}

test("a program without PT_INTERP is static, and what is no 64-bit ELF is neither", () => {
  assert.equal(elfKind(elf(1, 1, 2)), "static");
  assert.equal(elfKind(elf(6, 3, 1)), "dynamic");
  assert.equal(elfKind(elf(1).subarray(0, 100)), "other");
  assert.equal(elfKind(new TextEncoder().encode("#!/bin/sh\n".repeat(10))), "other");
  const narrow = elf(1);
  narrow[4] = 1;
  assert.equal(elfKind(narrow), "other");
  // At an offset in a larger buffer, as a read from a pool may give it.
  const shifted = new Uint8Array(200);
  shifted.set(elf(3), 50);
  assert.equal(elfKind(shifted.subarray(50, 170)), "dynamic");
});

test("X01 garbled programs are looked at without a crash", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, hasHeader) => {
    const head = hasHeader ? new Uint8Array([...elf(3, 1), ...bytes]) : bytes;
    if (hasHeader) head.set(bytes.subarray(0, 58), 6);
    assert.ok(["static", "dynamic", "other"].includes(elfKind(head)));
  }));
});

test("the first static init of the host is taken, and its lack is told with what to install", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const write = async (name: string, bytes: Uint8Array, mode = 0o755): Promise<string> => {
      await Deno.writeFile(`${directory}/${name}`, bytes, { mode });
      return `${directory}/${name}`;
    };
    const dynamic = await write("dynamic", elf(3));
    const unusable = await write("unusable", elf(1), 0o644);
    const good = await write("good", elf(1));
    const candidates = [`${directory}/absent`, directory, dynamic, unusable, good];
    assert.equal(await findInit(false, { candidates }), undefined);
    assert.equal(await findInit(true, { candidates }), good);
    assert.equal(await findInit(good), good);
    await assert.rejects(
      findInit(true, { candidates: candidates.slice(0, -1) }),
      gantryError("failed_precondition", /no statically linked init/, /apt-get install tini/),
    );
    await assert.rejects(findInit(dynamic), gantryError("failed_precondition", /dynamically linked/));
    await assert.rejects(findInit(unusable), gantryError("failed_precondition", /not a program/));
    await assert.rejects(findInit(directory), gantryError("failed_precondition", /not a program/));
    await assert.rejects(findInit("x"), gantryError("invalid_argument", /--init-path "x" is not absolute/));
    await assert.rejects(findInit(""), gantryError("invalid_argument", /--init-path "" is not absolute/));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
