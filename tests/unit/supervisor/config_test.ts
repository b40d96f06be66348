import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "smol-toml";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { isRecord } from "../../../lib/base/json.ts";
import {
  addressIn,
  configHash,
  type ConfigInput,
  generateConfig,
  writeConfig,
} from "../../../lib/supervisor/config.ts";
import { mergeConfig, parseToml, readTomlFile, type TomlTable } from "../../../lib/supervisor/config_merge.ts";
import { instancePaths } from "../../../lib/supervisor/paths.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";
import { smallDisk } from "../base/directories.ts";
import { place, withDirectories } from "./temporary.ts";

const v16 = { major: 1, minor: 6, configVersion: 2 } as const;
const v17 = { major: 1, minor: 7, configVersion: 2 } as const;
const v21 = { major: 2, minor: 1, configVersion: 3 } as const;
const v23 = { major: 2, minor: 3, configVersion: 4 } as const;

const input: ConfigInput = {
  paths: instancePaths({ root: "/r", state: "/s" }),
  binary: v17,
  cri: false,
  logLevel: "info",
  logFormat: "text",
};

test("S02 the configuration has the program's version, explicit sockets, and what it generates is what it parses", () => {
  for (const binary of [v16, v17, v21, v23]) {
    const config = generateConfig({ ...input, binary });
    assert.equal(config.version, binary.configVersion);
    const document: TomlTable = parse(config.text);
    assert.deepEqual(JSON.parse(JSON.stringify(document)), config.document);
    assert.equal(document["version"], binary.configVersion);
    assert.equal(document["root"], "/r/containerd");
    assert.equal(document["state"], "/s/containerd");
    assert.equal(addressIn(document), "/s/containerd.sock");
    assert.match(config.text, /\naddress = "\/s\/containerd\.sock\.ttrpc"\n/);
  }
});

test("S02 version 4 has its sockets in the server plugins", () => {
  const { document } = generateConfig({ ...input, binary: v23 });
  assert.equal(document["grpc"], undefined);
  assert.equal(document["ttrpc"], undefined);
  assert.deepEqual(Object.keys(isRecord(document["plugins"]) ? document["plugins"] : {}), [
    "io.containerd.server.v1.grpc",
    "io.containerd.server.v1.ttrpc",
  ]);
});

test("S02 unwanted plugins are disabled under the names of each release", () => {
  const disabled = (binary: ConfigInput["binary"], cri = false): readonly string[] =>
    generateConfig({ ...input, binary, cri }).disabledPlugins;
  assert.ok(disabled(v16).includes("io.containerd.internal.v1.restart"));
  assert.ok(!disabled(v16).includes("io.containerd.nri.v1.nri"));
  assert.ok(disabled(v17).includes("io.containerd.nri.v1.nri"));
  assert.ok(disabled(v21).includes("io.containerd.monitor.container.v1.restart"));
  assert.ok(!disabled(v21).includes("io.containerd.internal.v1.restart"));
  assert.ok(disabled(v21).includes("io.containerd.cri.v1.runtime"));
  assert.ok(!disabled(v17).includes("io.containerd.cri.v1.runtime"));
  for (const binary of [v16, v17, v21, v23]) {
    assert.ok(disabled(binary).includes("io.containerd.grpc.v1.cri"));
    assert.ok(disabled(binary).includes("io.containerd.internal.v1.opt"));
    assert.ok(!disabled(binary).includes("io.containerd.runtime.v1.linux"));
    assert.equal(disabled(binary, true).some((id) => /cri|podsandbox|sandbox-controllers|nri/.test(id)), false);
  }
});

test("S02 --cri leaves CRI on and keeps NRI off its well-known socket", () => {
  assert.match(generateConfig({ ...input, binary: v21, cri: true }).text, /nri"\]\ndisable = true/);
  assert.doesNotMatch(generateConfig({ ...input, binary: v16, cri: true }).text, /nri/);
});

test("S17 the OOM score is in the configuration only when containerd may set it", () => {
  assert.match(generateConfig({ ...input, oomScore: -999 }).text, /\noom_score = -999\n/);
  assert.doesNotMatch(generateConfig(input).text, /oom_score/);
});

test("the log's level and format are containerd's words", () => {
  assert.match(
    generateConfig({ ...input, logLevel: "warning", logFormat: "json" }).text,
    /level = "warn"\nformat = "json"/,
  );
});

test("a plugin that the extra configuration configures is not disabled", () => {
  const table = { plugins: { "io.containerd.snapshotter.v1.devmapper": { pool_name: "x" } } };
  const config = generateConfig({ ...input, extra: { source: "extra.toml", table } });
  assert.ok(!config.disabledPlugins.includes("io.containerd.snapshotter.v1.devmapper"));
  assert.match(config.text, /\[plugins\."io\.containerd\.snapshotter\.v1\.devmapper"\]\npool_name = "x"/);
});

test("an extra configuration is merged table by table, and its disabled plugins and imports are added", () => {
  const table = {
    disabled_plugins: ["io.containerd.gc.v1.scheduler", "io.containerd.grpc.v1.cri"],
    imports: ["/etc/x.toml"],
    debug: { level: "trace" },
    timeouts: { a: "1s" },
  };
  const { document, disabledPlugins } = generateConfig({ ...input, extra: { source: "extra.toml", table } });
  assert.equal(disabledPlugins.at(-1), "io.containerd.gc.v1.scheduler");
  assert.equal(disabledPlugins.filter((id) => id === "io.containerd.grpc.v1.cri").length, 1);
  assert.deepEqual(document["imports"], ["/etc/x.toml"]);
  assert.deepEqual(document["debug"], { level: "trace", format: "text" });
  assert.deepEqual(document["timeouts"], { "io.containerd.timeout.bolt.open": "10s", a: "1s" });
});

test("an extra configuration cannot move what gantry must find again, and the key is named", () => {
  const cases = [
    [{ root: "/x" }, "root", "use --root and --state"],
    [{ state: "/x" }, "state", "use --root and --state"],
    [{ grpc: { address: "/x" } }, "grpc.address", "use --address"],
    [{ ttrpc: { address: "/x" } }, "ttrpc.address", "use --address"],
    [
      { plugins: { "io.containerd.server.v1.grpc": { address: "/x" } } },
      "plugins.io.containerd.server.v1.grpc.address",
      "use --address",
    ],
  ] as const;
  for (const [table, key, hint] of cases) {
    assert.throws(() => mergeConfig({}, table, "/etc/extra.toml"), (error) => {
      assert.ok(isCode(error, "invalid_argument"));
      assert.equal(error.message, `/etc/extra.toml sets ${key}, which gantry decides`);
      assert.equal(error.hint, hint);
      return true;
    });
  }
  assert.deepEqual(mergeConfig({ grpc: { address: "/a" } }, { grpc: { gid: 7 } }, "x"), {
    grpc: { address: "/a", gid: 7 },
  });
});

test("an extra configuration of another version, or with a table where a value is, is refused", () => {
  assert.throws(
    () => mergeConfig({ version: 3 }, { version: 2 }, "e.toml"),
    /version 2; this containerd is given version 3/,
  );
  assert.deepEqual(mergeConfig({ version: 3 }, { version: 3 }, "e.toml"), { version: 3 });
  assert.throws(
    () => mergeConfig({ debug: {} }, { debug: 1 }, "e.toml"),
    /e\.toml: debug must be a table, not a value/,
  );
  assert.throws(
    () => mergeConfig({ a: { oom: 1 } }, { a: { oom: {} } }, "e.toml"),
    /e\.toml: a\.oom must be a value, not a table/,
  );
});

test("merging keeps every key of both, whatever they are called", () => {
  const keys = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString"));
  const tables = fc.dictionary(keys, fc.oneof(fc.integer(), fc.array(fc.string())));
  fc.assert(fc.property(tables, tables, (base, extra) => {
    fc.pre(!("version" in extra) && !("root" in extra) && !("state" in extra));
    const merged = mergeConfig(base, extra, "x");
    assert.deepEqual(new Set(Object.keys(merged)), new Set([...Object.keys(base), ...Object.keys(extra)]));
    assert.equal(Object.getPrototypeOf(merged), Object.prototype);
  }));
});

test("X01 any text is TOML or an error that names the file and the line", () => {
  const tomlish = fc.array(
    fc.constantFrom("[", "]", "a", ".", "=", '"', "'", "1", "\n", "{", "}", ",", "#", " ", "\\u", "\0"),
  )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string(), tomlish), (text) => {
      try {
        assert.ok(isRecord(parseToml(text, "x.toml")));
      } catch (error) {
        assert.ok(error instanceof GantryError && isCode(error, "invalid_argument"), String(error));
        assert.match(error.message, /^x\.toml line \d+: /);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a missing extra file is named", async () => {
  await assert.rejects(readTomlFile("/nowhere/extra.toml"), (error) => {
    return isCode(error, "not_found") && error.message.includes("/nowhere/extra.toml");
  });
});

test("S01 the configuration is written 0600, and not touched when it says the same", async () => {
  await using here = await withDirectories(await place());
  const config = generateConfig({ ...input, paths: here.paths });
  await writeConfig(config, here.paths.config);
  const first = await Deno.stat(here.paths.config);
  assert.equal((first.mode ?? 0) & 0o777, 0o600);
  await writeConfig(config, here.paths.config);
  assert.equal((await Deno.stat(here.paths.config)).ino, first.ino);
  await Deno.chmod(here.paths.config, 0o644);
  await writeConfig(config, here.paths.config);
  assert.equal(((await Deno.stat(here.paths.config)).mode ?? 0) & 0o777, 0o600);
});

test("S01 a symbolic link in place of the configuration is replaced, and what it leads to is not", async () => {
  await using here = await withDirectories(await place());
  await Deno.writeTextFile(`${here.path}/precious`, "precious");
  await Deno.symlink(`${here.path}/precious`, here.paths.config);
  await writeConfig(generateConfig({ ...input, paths: here.paths }), here.paths.config);
  assert.equal(await Deno.readTextFile(`${here.path}/precious`), "precious");
  assert.equal((await Deno.lstat(here.paths.config)).isFile, true);
});

test("S19 a full disk leaves the old configuration intact", { skip: firstReason(needsRoot()) }, async () => {
  await using disk = await smallDisk("64k");
  const path = `${disk.path}/containerd.toml`;
  await writeConfig(generateConfig(input), path);
  const before = await Deno.readTextFile(path);
  await disk.fill();
  const changed = generateConfig({ ...input, logLevel: "debug" });
  await assert.rejects(writeConfig(changed, path), (error) => {
    return isCode(error, "resource_exhausted") && error.message.includes(path);
  });
  assert.equal(await Deno.readTextFile(path), before);
  assert.deepEqual(Array.from(Deno.readDirSync(disk.path), ({ name }) => name).sort(), ["containerd.toml", "filler"]);
});

test("configHash() tells configurations apart", async () => {
  const [one, two] = [generateConfig(input), generateConfig({ ...input, cri: true })];
  assert.match(await configHash(one), /^[0-9a-f]{64}$/);
  assert.equal(await configHash(one), await configHash(generateConfig(input)));
  assert.notEqual(await configHash(one), await configHash(two));
});
