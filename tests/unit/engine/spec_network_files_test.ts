import assert from "node:assert/strict";
import type { ContainerOptions } from "../../../lib/engine/container_options.ts";
import { buildSpec, type BuiltSpec } from "../../../lib/engine/spec/build.ts";
import { resolveInputs } from "../../../lib/engine/spec/resolve_inputs.ts";
import type { HostTexts } from "../../../lib/engine/spec/network_files.ts";
import { test } from "../../support/test.ts";
import { containerOptions, gantryError, specInput } from "./spec_fixtures.ts";

function built(options: Partial<ContainerOptions>, hostTexts: HostTexts = {}): BuiltSpec {
  return buildSpec(specInput({ options, resolved: { hostTexts } }));
}

function contentOf(result: BuiltSpec, name: string): string | undefined {
  return result.files.find((file) => file.name === name)?.content;
}

test("without a question about names no file is made and nothing is mounted", () => {
  const { files, spec } = built({ dns: [], addHost: [] });
  assert.deepEqual(files, []);
  assert.ok(!spec.mounts?.some(({ destination }) => destination.startsWith("/etc/")));
});

test("a resolv.conf has what was given, and a mount shows it", () => {
  const result = built({ dns: ["10.0.0.53"], dnsSearch: ["a.example", "b.example"], dnsOption: ["ndots:1", "rotate"] });
  assert.deepEqual(result.files, [{
    name: "resolv.conf",
    content: "nameserver 10.0.0.53\nsearch a.example b.example\noptions ndots:1 rotate\n",
    mode: 0o644,
  }]);
  assert.deepEqual(result.spec.mounts?.at(-1), {
    destination: "/etc/resolv.conf",
    type: "bind",
    source: "/data/resolv.conf",
    options: ["bind", "rprivate"],
  });
  assert.ok(built({ dns: ["::1"], readOnly: true }).spec.mounts?.at(-1)?.options?.includes("ro"));
});

test("in the host's network the rest of resolv.conf is the host's", () => {
  const resolvConf = "# by hand\nnameserver 1.1.1.1\nnameserver 2.2.2.2\nsearch corp\n\tdomain old\noptions edns0\n";
  const ofHost = (options: Partial<ContainerOptions>): string | undefined =>
    contentOf(built({ network: "host", ...options }, { resolvConf }), "resolv.conf");
  assert.equal(
    ofHost({ dns: ["9.9.9.9"] }),
    "# by hand\nsearch corp\n\tdomain old\noptions edns0\nnameserver 9.9.9.9\n",
  );
  assert.equal(ofHost({ dnsSearch: ["."] }), "# by hand\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions edns0\n");
  assert.match(ofHost({ dnsOption: ["rotate"] }) ?? "", /old\noptions rotate\n$/);
});

test("hosts has the loopback, the container's name, and what was given; it comes with a hostname", () => {
  const result = built({ hostname: "web", addHost: [{ name: "db", address: "10.0.0.7" }] });
  assert.deepEqual(result.files.map(({ name }) => name), ["hosts", "hostname"]);
  assert.equal(contentOf(result, "hostname"), "web\n");
  const lines = (contentOf(result, "hosts") ?? "").trimEnd().split("\n");
  assert.equal(lines[0], "127.0.0.1\tlocalhost");
  assert.deepEqual(lines.slice(-2), ["127.0.0.1\tweb", "10.0.0.7\tdb"]);
});

test("in the host's network hosts is the host's with what was given, and the host is reached by the loopback", () => {
  const addHost = [{ name: "me", address: "host-gateway" }];
  const result = built({ network: "host", addHost }, { hosts: "127.0.0.1 localhost\n\n10.1.1.1 mill\n" });
  assert.equal(contentOf(result, "hosts"), "127.0.0.1 localhost\n10.1.1.1 mill\n127.0.0.1\tme\n");
  assert.throws(
    () => built({ addHost }),
    gantryError(
      "invalid_argument",
      /--add-host me:host-gateway: with --network none there is no way/,
      /--network host/,
    ),
  );
});

test("a mount of the user's hides a file, with a warning for what was asked", () => {
  const mount = (target: string): Partial<ContainerOptions> => ({
    mounts: [{ type: "bind", source: "/s", target, options: [] }],
    dns: ["::1"],
    addHost: [{ name: "a", address: "::1" }],
  });
  const one = built(mount("/etc/hosts"));
  assert.deepEqual(one.files.map(({ name }) => name), ["resolv.conf", "hostname"]);
  assert.deepEqual(one.warnings, ["--add-host has no effect: a mount of yours is at /etc/hosts"]);
  const all = built(mount("/etc"));
  assert.deepEqual(all.files, []);
  assert.equal(all.warnings.length, 2);
  assert.equal(built(mount("/etcetera")).files.length, 3);
});

test("a program's own entries are checked like those of the command line, and files need a place", () => {
  const refused: readonly (readonly [Partial<ContainerOptions>, RegExp])[] = [
    [{ dns: ["x"] }, /--dns "x"/],
    [{ dnsSearch: ["a b"] }, /--dns-search "a b"/],
    [{ dnsOption: ["\n"] }, /--dns-option/],
    [{ addHost: [{ name: "a\nb", address: "::1" }] }, /--add-host .* is not a host name/],
    [{ addHost: [{ name: "a", address: "::1\n::2 b" }] }, /--add-host .* is not an IP address/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => built(options), gantryError("invalid_argument", message));
  }
  assert.throws(() => buildSpec({ ...specInput({ options: { dns: ["::1"] } }), dataDir: undefined }), TypeError);
});

test("the host's texts are read only for what is changed in its network", async () => {
  const path = await Deno.makeTempDir();
  try {
    const inputsOf = (options: Partial<ContainerOptions>): ReturnType<typeof resolveInputs> =>
      resolveInputs(containerOptions({ rootfs: { path, overlay: false }, ...options }));
    const addHost = [{ name: "a", address: "::1" }];
    assert.deepEqual((await inputsOf({ addHost })).hostTexts, {});
    const { hostTexts, hostFiles } = await inputsOf({ network: "host", addHost });
    assert.equal(hostTexts.hosts, await Deno.readTextFile("/etc/hosts"));
    assert.equal(hostTexts.resolvConf, undefined);
    assert.ok(!hostFiles.includes("/etc/hosts"));
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
