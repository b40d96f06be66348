import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { parseMount, parseRootfs, parseTmpfs, parseVolume } from "../../../lib/engine/spec/mount_options.ts";
import { absolutePath, cleanPath } from "../../../lib/engine/spec/paths.ts";
import { parseSecurityOptions } from "../../../lib/engine/spec/security_options.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

const here = { cwd: "/work/dir" };

function bind(source: string, target: string, ...options: readonly string[]): unknown {
  return { type: "bind", source, target, options };
}

/** Each text must be refused with `invalid_argument`, the flag, the text itself and the given words. */
function assertRefused(parse: (text: string) => unknown, flag: string, cases: Readonly<Record<string, RegExp>>): void {
  for (const [text, message] of Object.entries(cases)) {
    assert.throws(() => parse(text), (error) => {
      gantryError("invalid_argument", message)(error);
      return error instanceof GantryError && error.message.startsWith(`${flag} ${JSON.stringify(text)} `);
    }, text);
  }
}

test("-v takes a path, a target and options; relative paths start at the working directory", () => {
  assert.deepEqual(parseVolume("/a:/b", here), bind("/a", "/b"));
  assert.deepEqual(parseVolume("/a:/b:ro", here), bind("/a", "/b", "ro"));
  assert.deepEqual(parseVolume("/a:/b:ro,rslave,noexec", here), bind("/a", "/b", "ro", "rslave", "noexec"));
  assert.deepEqual(parseVolume("./x:/b", here), bind("/work/dir/x", "/b"));
  assert.deepEqual(parseVolume("../x:/b/", here), bind("/work/x", "/b"));
  assert.deepEqual(parseVolume(".:/b//c/../d", here), bind("/work/dir", "/b/d"));
  assert.deepEqual(parseVolume("./x:/b"), bind(`${Deno.cwd()}/x`, "/b"));
  assert.deepEqual(parseVolume("/a:/b:Z", here), bind("/a", "/b", "Z"));
});

test("-v refuses what it cannot be, and says what to write", () => {
  assertRefused((text) => parseVolume(text, here), "-v", {
    "": /has no target/,
    "/a": /has no target/,
    "/a:": /has no target/,
    ":/b": /has no source/,
    "name:/b": /names a volume/,
    "/a:b": /target that is not absolute/,
    "/a:/": /has \/ as its target/,
    "/a:/..": /has \/ as its target/,
    "/a:/b:": /empty option/,
    "/a:/b:or": /unknown option "or"/,
    "/a:/b:ro,": /empty option/,
    "/a:/b:ro,rw": /both ro and rw/,
    "/a:/b:shared,rslave": /both shared and rslave/,
    "/a:/b:bind,rbind": /both bind and rbind/,
    "/a:/b:c:d": /more than two colons/,
    "/a\0:/b": /NUL/,
    "/a:/b\0": /NUL/,
  });
  assert.throws(() => parseVolume("data:/b"), gantryError("invalid_argument", /named volumes/, /\.\/data/));
  assert.throws(() => parseVolume("/a:/b:rprivat"), gantryError("invalid_argument", /rprivat/, /rprivate/));
});

test("--mount takes keys in any order, their other names, and values in quotes", () => {
  const parse = (text: string): unknown => parseMount(text, here);
  assert.deepEqual(parse("type=bind,source=/a,target=/b"), bind("/a", "/b"));
  assert.deepEqual(parse("dst=/b,src=./a,type=bind,readonly"), bind("/work/dir/a", "/b", "ro"));
  assert.deepEqual(parse("type=bind,src=/a,destination=/b,ro=true"), bind("/a", "/b", "ro"));
  assert.deepEqual(parse("type=bind,src=/a,target=/b,readonly=false"), bind("/a", "/b"));
  assert.deepEqual(parse('type=bind,"source=/with,comma",target=/b'), bind("/with,comma", "/b"));
  assert.deepEqual(parse('type=bind,"source=/say ""a""",target=/b:c'), bind('/say "a"', "/b:c"));
  assert.deepEqual(
    parse("type=bind,src=/a,target=/b,bind-propagation=rshared,bind-recursive=disabled"),
    bind("/a", "/b", "bind", "rshared"),
  );
  assert.deepEqual(
    parse("type=bind,src=/a,target=/b,ro,bind-recursive=readonly"),
    bind("/a", "/b", "ro", "rbind", "rro"),
  );
  assert.deepEqual(parse("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1770,ro"), {
    type: "tmpfs",
    target: "/t",
    options: ["ro", "size=64m", "mode=1770"],
  });
});

test("--mount refuses what it cannot be, and says what to write", () => {
  assertRefused((text) => parseMount(text, here), "--mount", {
    "": /empty option/,
    "source=/a,target=/b": /has no type/,
    "type=volume,source=a,target=/b": /unknown type "volume"/,
    "type=bind,target=/b": /has no source/,
    "type=bind,source=,target=/b": /has no source/,
    "type=bind,source=/a": /has no target/,
    "type=bind,source=/a,target=b": /not absolute/,
    "type=bind,source=/a,target=/b,target=/c": /has target twice/,
    "type=bind,source=/a,src=/c,target=/b": /has source twice/,
    "type=bind,source,target=/b": /has source without a value/,
    "type=bind,source=/a,target=/b,tmpfs-size=1": /has tmpfs-size, which is not for type=bind/,
    "type=tmpfs,target=/b,bind-propagation=slave": /has bind-propagation, which is not for type=tmpfs/,
    "type=tmpfs,source=/a,target=/b": /has a source, which is not for type=tmpfs/,
    "type=tmpfs,target=/b,tmpfs-size=x": /size=x/,
    "type=tmpfs,target=/b,tmpfs-mode=9": /mode=9/,
    "type=bind,source=/a,target=/b,readonly=maybe": /readonly=maybe/,
    "type=bind,source=/a,target=/b,bind-propagation=often": /unknown option "often"/,
    'type=bind,source="/a",target=/b': /double quote in the wrong place/,
    'type=bind,"source=/a,target=/b': /double quote in the wrong place/,
  });
  assert.throws(() => parseMount("type=bind,sourc=/a"), gantryError("invalid_argument", /"sourc"/, /"source"/));
});

test("--tmpfs takes a target and options", () => {
  assert.deepEqual(parseTmpfs("/run"), { type: "tmpfs", target: "/run", options: [] });
  assert.deepEqual(parseTmpfs("/run:size=64m,mode=1777,exec,uid=5"), {
    type: "tmpfs",
    target: "/run",
    options: ["size=64m", "mode=1777", "exec", "uid=5"],
  });
  assert.deepEqual(parseTmpfs("/run:size=50%").options, ["size=50%"]);
  assertRefused(parseTmpfs, "--tmpfs", {
    "": /has no target/,
    "run": /not absolute/,
    "/": /has \/ as its target/,
    "/run:": /empty option/,
    "/run:siez=1": /unknown option "siez"/,
    "/run:size=1.5g": /size=1\.5g/,
    "/run:size=0": /size=0/,
    "/run:size=": /size=/,
    "/run:mode=8": /mode=8/,
    "/run:uid=root": /uid=root/,
    "/run:big": /unknown option "big"/,
  });
});

test("--rootfs takes a directory, with :O for a throw-away overlay", () => {
  assert.deepEqual(parseRootfs("/r", here), { path: "/r", overlay: false });
  assert.deepEqual(parseRootfs("r/:O", here), { path: "/work/dir/r", overlay: true });
  assert.deepEqual(parseRootfs("/a:b/c", here), { path: "/a:b/c", overlay: false });
  assertRefused((text) => parseRootfs(text, here), "--rootfs", {
    "": /names no directory/,
    ":O": /names no directory/,
    "/r:o": /unknown option "o"/,
    "/r:ro": /unknown option "ro"/,
    "/r:": /unknown option ""/,
    "/r\0": /NUL/,
  });
});

test("X01 any text is an option or an error, never a target outside of the container", () => {
  const piece = fc.constantFrom(
    "/",
    "..",
    ".",
    ":",
    ",",
    "=",
    '"',
    "type=bind",
    "source=/a",
    "target=/b",
    "ro",
    "O",
    "size=1",
    "\0",
    "x",
  );
  const text = fc.oneof(fc.string(), fc.array(piece).map((pieces) => pieces.join("")));
  fc.assert(
    fc.property(text, (value) => {
      for (const parse of [parseVolume, parseMount, parseTmpfs]) {
        try {
          const { target, source } = parse(value);
          assert.match(target, /^\/[^\0]+$/);
          assert.ok(!target.split("/").includes(".."));
          assert.ok(source === undefined || source.startsWith("/"));
        } catch (error) {
          assert.ok(error instanceof GantryError && error.code === "invalid_argument", String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test("paths are cleaned by their text and stop at the root", () => {
  const cases: Readonly<Record<string, string>> = {
    "/": "/",
    "//a//b/": "/a/b",
    "/a/./b/../c": "/a/c",
    "/../..": "/",
    "": ".",
    "a/..": ".",
    "../a": "../a",
    "../../a/..": "../..",
  };
  for (const [path, expected] of Object.entries(cases)) assert.equal(cleanPath(path), expected, path);
  assert.equal(absolutePath("a/../b", "/w"), "/w/b");
});

test("--security-opt takes what docker's does, the later of a kind winning", () => {
  assert.deepEqual(parseSecurityOptions([]), {
    seccomp: { kind: "default" },
    apparmor: undefined,
    noNewPrivileges: false,
    systemPaths: true,
  });
  assert.deepEqual(
    parseSecurityOptions(["seccomp=unconfined", "apparmor=p", "no-new-privileges", "seccomp=./s.json"], here),
    { seccomp: { kind: "file", path: "/work/dir/s.json" }, apparmor: "p", noNewPrivileges: true, systemPaths: true },
  );
  assert.deepEqual(parseSecurityOptions(["seccomp:unconfined"]).seccomp, { kind: "unconfined" });
  assert.deepEqual(parseSecurityOptions(["seccomp=unconfined", "seccomp=builtin"]).seccomp, { kind: "default" });
  assert.equal(parseSecurityOptions(["no-new-privileges=true", "no-new-privileges=false"]).noNewPrivileges, false);
  assert.equal(parseSecurityOptions(["label=disable"]).apparmor, undefined);
  assert.equal(parseSecurityOptions(["systempaths=unconfined"]).systemPaths, false);
  assertRefused((text) => parseSecurityOptions([text]), "--security-opt", {
    "": /is unknown/,
    "seccomp": /has no profile/,
    "seccomp=": /has no profile/,
    "apparmor=": /has no profile/,
    "no-new-privileges=maybe": /neither true nor false/,
    "label=type:x": /SELinux/,
    "systempaths=x": /not known/,
    "systempaths": /not known/,
    "seccmp=x": /is unknown/,
  });
});
