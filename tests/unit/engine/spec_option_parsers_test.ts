import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { parseCpuset } from "../../../lib/engine/spec/cpuset.ts";
import { parseDevice } from "../../../lib/engine/spec/device_options.ts";
import { isIpAddress } from "../../../lib/engine/spec/ip_address.ts";
import { parseMemorySwap } from "../../../lib/engine/spec/memory_limits.ts";
import { parseAddHost, parseDns, parseDnsOption, parseDnsSearch } from "../../../lib/engine/spec/network_options.ts";
import { parseSysctl } from "../../../lib/engine/spec/sysctls.ts";
import { parseUlimit } from "../../../lib/engine/spec/ulimits.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

/** Each text must be refused with `invalid_argument`, the flag, the text itself, the given words, and a hint. */
function assertRefused(parse: (text: string) => unknown, flag: string, cases: Readonly<Record<string, RegExp>>): void {
  for (const [text, message] of Object.entries(cases)) {
    assert.throws(() => parse(text), (error) => {
      gantryError("invalid_argument", message)(error);
      return error instanceof GantryError && error.message.startsWith(`${flag} ${JSON.stringify(text)} `);
    }, text);
  }
}

test("--device takes a source, a target and an access, of which the last two may be left out", () => {
  const cases: Readonly<Record<string, readonly [string, string, string]>> = {
    "/dev/x": ["/dev/x", "/dev/x", "rwm"],
    "/dev/x:/dev/y": ["/dev/x", "/dev/y", "rwm"],
    "/dev/x:/dev/y:r": ["/dev/x", "/dev/y", "r"],
    "/dev/x:rw": ["/dev/x", "/dev/x", "rw"],
    "/dev//snd/:/dev/a/../b:mwr": ["/dev/snd", "/dev/b", "mwr"],
  };
  for (const [text, [source, target, access]] of Object.entries(cases)) {
    assert.deepEqual(parseDevice(text), { source, target, access }, text);
  }
  assertRefused(parseDevice, "--device", {
    "": /path "", which is not absolute/,
    "x": /path "x", which is not absolute/,
    "vendor.com/gpu=0": /not absolute/,
    "/dev/x:": /the access ""/,
    "/dev/x:y": /the access "y"/,
    "/dev/x:rr": /the access "rr"/,
    "/dev/x:/dev/y:rwx": /the access "rwx"/,
    "/dev/x:/dev/y:rwmr": /the access "rwmr"/,
    "/dev/x:/dev/y:r:w": /too many colons/,
    "/dev/x:r:w": /too many colons/,
    "/": /has \/ as a path/,
    "/dev/x:/..": /has \/ as a path/,
    "/dev/\0": /NUL/,
  });
});

test("--sysctl takes a name with dots or slashes and a value", () => {
  const cases: Readonly<Record<string, readonly [string, string]>> = {
    "net.core.somaxconn=1024": ["net.core.somaxconn", "1024"],
    "net/core/somaxconn = 1024": ["net.core.somaxconn", "1024"],
    "net.ipv4.ping_group_range=0 2147483647": ["net.ipv4.ping_group_range", "0 2147483647"],
    "net/ipv4/conf/eth0.1/forwarding=1": ["net.ipv4.conf.eth0/1.forwarding", "1"],
    "net.ipv4.conf.eth0/1.forwarding=1": ["net.ipv4.conf.eth0/1.forwarding", "1"],
    "kernel.domainname=a=b": ["kernel.domainname", "a=b"],
  };
  for (const [text, expected] of Object.entries(cases)) assert.deepEqual(parseSysctl(text), expected, text);
  assertRefused(parseSysctl, "--sysctl", {
    "": /no value/,
    "net.core.somaxconn": /no value/,
    "net.core.somaxconn=": /no value that can be written/,
    "net.core.somaxconn= ": /no value that can be written/,
    "net.core.somaxconn=1\n2": /no value that can be written/,
    "=1": /no name/,
    "net=1": /no name/,
    "net.=1": /no name/,
    "net..core=1": /no name/,
    "../../etc/x=1": /no name/,
    "net/../kernel/core_pattern=x": /no name/,
    "net.core.\0=1": /no name/,
  });
});

test("--add-host takes a name and an address of either kind, or host-gateway", () => {
  const cases: Readonly<Record<string, readonly [string, string]>> = {
    "db:10.0.0.7": ["db", "10.0.0.7"],
    "db=10.0.0.7": ["db", "10.0.0.7"],
    "db.example.com:::1": ["db.example.com", "::1"],
    "db:[fd00::7]": ["db", "fd00::7"],
    "my_db:fd00::7": ["my_db", "fd00::7"],
    "me:host-gateway": ["me", "host-gateway"],
  };
  for (const [text, [name, address]] of Object.entries(cases)) {
    assert.deepEqual(parseAddHost(text), { name, address }, text);
  }
  assertRefused(parseAddHost, "--add-host", {
    "": /no address/,
    "db": /no address/,
    "db:": /"", which is not an IP address/,
    ":10.0.0.1": /"", which is not a host name/,
    "a b:10.0.0.1": /"a b", which is not a host name/,
    "-a:10.0.0.1": /not a host name/,
    "db:10.0.0": /not an IP address/,
    "db:10.0.0.256": /not an IP address/,
    "db:[host-gateway]": /not an IP address/,
    "db:10.0.0.1\n1.1.1.1 evil": /not an IP address/,
    "db\n:10.0.0.1": /not a host name/,
  });
});

test("the options of the resolver are what resolv.conf can hold", () => {
  assert.equal(parseDns("10.0.0.53"), "10.0.0.53");
  assert.equal(parseDns("fd00::53"), "fd00::53");
  assertRefused(parseDns, "--dns", { "": /IP/, "dns.example": /IP/, "1.1.1.1 2.2.2.2": /IP/, "fe80::1%eth0": /IP/ });
  for (const domain of ["example.com", "a_b.c", "corp", ".", "example.com."]) {
    assert.equal(parseDnsSearch(domain), domain);
  }
  assertRefused(parseDnsSearch, "--dns-search", { "": /domain/, "a b": /domain/, "..": /domain/, "a\nb": /domain/ });
  for (const option of ["ndots:2", "rotate", "use-vc"]) assert.equal(parseDnsOption(option), option);
  assertRefused(parseDnsOption, "--dns-option", { "": /option/, "a b": /option/, "#x": /option/, "a\n": /option/ });
});

test("--cpuset-cpus and --cpuset-mems take numbers and ranges", () => {
  const parse = (text: string): string => parseCpuset("--cpuset-mems", text);
  for (const text of ["0", "0-2", "0-2,7", "3,1", "0-99999"]) assert.equal(parse(text), text);
  assertRefused(parse, "--cpuset-mems", {
    "": /is empty/,
    "a": /"a", which is neither/,
    "0,": /"", which is neither/,
    "-1": /"-1", which is neither/,
    "0-": /"0-", which is neither/,
    "0 - 2": /neither/,
    "2-1": /range 2-1, which ends before it begins/,
    "100000": /neither/,
    "0-3:2": /neither/,
  });
});

test("an IP address is four numbers, or what the URL standard takes for IPv6", () => {
  for (const text of ["0.0.0.0", "255.255.255.255", "::", "::1", "fd00::7", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"]) {
    assert.ok(isIpAddress(text), text);
  }
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.4.",
      "01.2.3.4",
      "256.1.1.1",
      "1::2::3",
      "::g",
      "[::1]",
      "1:2",
      "::1/64",
    ]
  ) {
    assert.ok(!isIpAddress(text), text);
  }
});

test("X01 no text makes a parser of a flag do anything but parse or refuse it", () => {
  const parsers: readonly ((text: string) => unknown)[] = [
    parseDevice,
    parseSysctl,
    parseAddHost,
    parseDns,
    parseDnsSearch,
    parseDnsOption,
    parseUlimit,
    parseMemorySwap,
    (text) => parseCpuset("--cpuset-cpus", text),
  ];
  const pieces = [
    "/dev/",
    "net.",
    "core",
    "=",
    ":",
    "[",
    "]",
    "::",
    "1",
    "-1",
    ",",
    "nofile",
    "\0",
    "\n",
    " ",
    "/",
    "..",
    "é",
  ];
  const text = fc.oneof(fc.string(), fc.array(fc.constantFrom(...pieces)).map((parts) => parts.join("")));
  fc.assert(
    fc.property(fc.constantFrom(...parsers), text, (parse, given) => {
      try {
        for (const value of textsOf(parse(given))) {
          assert.ok(!value.includes("\0"));
          // A path may hold a newline; a line of a file that gantry writes may not.
          if (parse !== parseDevice) assert.ok(!value.includes("\n"));
        }
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
        assert.equal(error.code, "invalid_argument");
        assert.ok(error.hint !== undefined || error.message.includes("NUL"), error.message);
      }
    }),
    { numRuns: 2000 },
  );
});

/** The strings in a value. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
