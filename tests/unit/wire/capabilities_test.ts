import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { allCapabilities, capabilitiesOfMask, capabilityName } from "../../../lib/wire/capabilities.ts";
import { test } from "../../support/test.ts";

test("there are 41 capabilities and their numbers are the kernel's", () => {
  assert.equal(allCapabilities.length, 41);
  const numbers: Readonly<Record<string, number>> = {
    CAP_CHOWN: 0,
    CAP_SETPCAP: 8,
    CAP_NET_RAW: 13,
    CAP_SYS_ADMIN: 21,
    CAP_SYS_RESOURCE: 24,
    CAP_SETFCAP: 31,
    CAP_SYSLOG: 34,
    CAP_AUDIT_READ: 37,
    CAP_BPF: 39,
    CAP_CHECKPOINT_RESTORE: 40,
  };
  for (const [name, number] of Object.entries(numbers)) assert.equal(allCapabilities[number], name);
});

test("a capability may be written in any case, with or without CAP_", () => {
  for (const text of ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_net_admin", " Net_Admin "]) {
    assert.equal(capabilityName(text), "CAP_NET_ADMIN");
  }
});

test("an unknown capability is refused with the nearest right name", () => {
  assert.throws(
    () => capabilityName("NET_ADMN"),
    (error) =>
      isCode(error, "invalid_argument") && /NET_ADMN/.test(error.message) && /NET_ADMIN/.test(error.hint ?? ""),
  );
  assert.throws(() => capabilityName(""), (error) => isCode(error, "invalid_argument"));
  assert.throws(() => capabilityName("CAP_CAP_KILL"), (error) => isCode(error, "invalid_argument"));
});

test("a mask of /proc/PID/status becomes names, and bits without one are left out", () => {
  assert.equal(capabilitiesOfMask("00000000a80425fb").length, 14);
  assert.deepEqual(capabilitiesOfMask("0000000000000003"), ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
  assert.deepEqual(capabilitiesOfMask("ffffffffffffffff"), allCapabilities);
  assert.ok(!capabilitiesOfMask("000001fffeffffff").includes("CAP_SYS_RESOURCE"));
  for (const text of ["", "xyz", "-1"]) {
    assert.throws(() => capabilitiesOfMask(text), (error) => isCode(error, "data_loss"), text);
  }
});
