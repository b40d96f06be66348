import assert from "node:assert/strict";
import {
  type CapabilityRequest,
  capabilitySets,
  chooseCapabilities,
  defaultCapabilities,
} from "../../../lib/engine/spec/capability_set.ts";
import { allCapabilities } from "../../../lib/wire/capabilities.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

const withoutResource = allCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE");

function choose(given: Partial<CapabilityRequest> = {}): readonly string[] {
  return chooseCapabilities({ add: [], drop: [], privileged: false, available: allCapabilities, ...given }).names;
}

test("X03 the default is docker's fourteen", () => {
  assert.deepEqual(choose(), defaultCapabilities);
  assert.deepEqual(
    [...defaultCapabilities].sort().map((name) => name.slice(4)).join(" "),
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT",
  );
});

test("what is added comes to the default once, and what is dropped leaves it", () => {
  const names = choose({ add: ["net_admin", "CAP_CHOWN"], drop: ["Kill"] });
  assert.equal(names.length, 14);
  assert.ok(names.includes("CAP_NET_ADMIN") && !names.includes("CAP_KILL"));
});

test("ALL in any case means all: all added without some, or only some added", () => {
  assert.deepEqual(choose({ add: ["all"] }), allCapabilities);
  assert.deepEqual(choose({ add: ["ALL"], drop: ["chown"] }), allCapabilities.slice(1));
  assert.deepEqual(choose({ drop: ["ALL"] }), []);
  assert.deepEqual(choose({ drop: ["All"], add: ["net_raw"] }), ["CAP_NET_RAW"]);
});

test("what this process lacks is not in ALL, and asking for it by name is an error", () => {
  assert.deepEqual(choose({ add: ["ALL"], available: withoutResource }), withoutResource);
  assert.deepEqual(choose({ privileged: true, available: withoutResource }), withoutResource);
  assert.throws(
    () => choose({ add: ["sys_resource"], available: withoutResource }),
    gantryError("failed_precondition", /--cap-add CAP_SYS_RESOURCE/, /CapBnd/),
  );
});

test("a default that this process lacks is left out with a warning", () => {
  const available = allCapabilities.filter((name) => name !== "CAP_MKNOD");
  const { names, warnings } = chooseCapabilities({ add: [], drop: [], privileged: false, available });
  assert.equal(names.length, 13);
  assert.match(warnings.join(), /CAP_MKNOD is left out/);
  assert.deepEqual(chooseCapabilities({ add: [], drop: ["mknod"], privileged: false, available }).warnings, []);
});

test("--cap-drop together with --privileged does nothing and says so", () => {
  const request = { add: [], drop: ["CHOWN"], privileged: true, available: allCapabilities };
  const { names, warnings } = chooseCapabilities(request);
  assert.deepEqual(names, allCapabilities);
  assert.match(warnings.join(), /--cap-drop has no effect together with --privileged/);
});

test("an unknown name is refused with the nearest right one, also for a privileged container", () => {
  for (const privileged of [false, true]) {
    assert.throws(
      () => choose({ add: ["SYS_ADMN"], privileged }),
      gantryError("invalid_argument", /--cap-add: "SYS_ADMN"/, /SYS_ADMIN/),
    );
    assert.throws(
      () => choose({ drop: ["AL"], privileged }),
      gantryError("invalid_argument", /--cap-drop: "AL"/, /ALL/),
    );
  }
});

test("nothing is ever inheritable or ambient", () => {
  assert.deepEqual(capabilitySets(["CAP_KILL"], 0), {
    bounding: ["CAP_KILL"],
    effective: ["CAP_KILL"],
    permitted: ["CAP_KILL"],
  });
  assert.deepEqual(capabilitySets(["CAP_KILL"], 1000), { bounding: ["CAP_KILL"] });
});
