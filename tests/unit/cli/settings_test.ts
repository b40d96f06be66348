import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { flagMap } from "../../../lib/cli/command.ts";
import { globalFlags } from "../../../lib/cli/global_flags.ts";
import { settingFlags } from "../../../lib/cli/settings.ts";
import { parseSettings, settingsPath } from "../../../lib/cli/settings_file.ts";
import { test } from "../../support/test.ts";
import { type CapturedOptions, type Transcript, transcript } from "./captured_io.ts";
import { acting, sampleCommands } from "./sample_command.ts";

const home = { HOME: "/nonexistent" };
const commands = [
  ...sampleCommands,
  acting("globals", ({ output, settings, originOf }) => {
    const { state, root, address, namespace } = settings;
    output.raw(JSON.stringify({ state, root, address, namespace, origin: originOf("namespace") }));
    return Promise.resolve(0);
  }),
];

async function withFile<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "gantry-settings-" });
  try {
    const path = `${directory}/config.toml`;
    await Deno.writeTextFile(path, text);
    return await use(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function run(argv: readonly string[], options: CapturedOptions = {}): Promise<Transcript> {
  return transcript(argv, { commands, ...options });
}

async function oomScore(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { code, stdout, stderr } = await run(["sample", ...argv, "x"], { env: { ...home, ...env } });
  assert.deepEqual([code, stderr], [0, ""]);
  return Object(JSON.parse(stdout)).flags.oomScore;
}

test("a flag goes before a variable, a variable before the file, the file before the default", async () => {
  await withFile("oom_score = 1\n", async (path) => {
    assert.equal(await oomScore([]), undefined);
    assert.equal(await oomScore([], { GANTRY_CONFIG: path }), 1);
    assert.equal(await oomScore([], { GANTRY_CONFIG: path, GANTRY_OOM_SCORE: "2" }), 2);
    assert.equal(await oomScore(["--oom-score", "3"], { GANTRY_CONFIG: path, GANTRY_OOM_SCORE: "2" }), 3);
  });
});

test("--config goes before GANTRY_CONFIG", async () => {
  await withFile("oom_score = 1\n", async (path) => {
    assert.equal(await oomScore(["--config", path], { GANTRY_CONFIG: "/nonexistent/x" }), 1);
  });
});

test("an empty variable counts as unset", async () => {
  assert.equal(await oomScore([], { GANTRY_OOM_SCORE: "" }), undefined);
});

test("the default file may be missing, a named one may not", async () => {
  assert.equal(await oomScore([]), undefined);
  const { code, stderr } = await run(["sample", "--config", "/nonexistent/gantry.toml", "x"]);
  assert.equal(code, 125);
  assert.equal(
    stderr,
    "gantry: the configuration file /nonexistent/gantry.toml does not exist\n" +
      "hint: name an existing file with --config or GANTRY_CONFIG, or neither to go without\n",
  );
});

test("a file that cannot be read is an error that names it", async () => {
  const { code, stderr } = await run(["sample", "--config", "/etc", "x"]);
  assert.equal(code, 125);
  assert.match(stderr, /^gantry: the configuration file \/etc cannot be read: Is a directory/);
});

test("the default file is root's in /etc, another user's in their configuration directory", () => {
  const path = (uid: number, env: Readonly<Record<string, string>>) => settingsPath({ explicit: undefined, env, uid });
  assert.equal(path(0, { XDG_CONFIG_HOME: "/x" }), "/etc/gantry/config.toml");
  assert.equal(path(7, { XDG_CONFIG_HOME: "/x", HOME: "/h" }), "/x/gantry/config.toml");
  assert.equal(path(7, { XDG_CONFIG_HOME: "relative", HOME: "/h" }), "/h/.config/gantry/config.toml");
  assert.equal(path(7, { HOME: "/h" }), "/h/.config/gantry/config.toml");
});

test("the default file is read", async () => {
  const directory = await Deno.makeTempDir({ prefix: "gantry-settings-" });
  try {
    await Deno.mkdir(`${directory}/gantry`);
    await Deno.writeTextFile(`${directory}/gantry/config.toml`, "oom_score = 5\n");
    assert.equal(await oomScore([], { XDG_CONFIG_HOME: directory }), 5);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

const wrongFiles: readonly (readonly [name: string, text: string, message: string])[] = [
  ["an unknown key", "\noom_scroe = 1\n", ':2: unknown key "oom_scroe"\nhint: did you mean oom_score?'],
  ["a key with dashes", "oom-score = 1", ':1: unknown key "oom-score"\nhint: did you mean oom_score?'],
  ["a key that is no setting", "rm = true", ':1: unknown key "rm"\nhint: '],
  ["a table", "# x\n\n[supervisor]\noom_score = 1", ':3: unknown key "supervisor"\nhint: the keys are '],
  ["a wrong type", 'oom_score = "high"', ':1: oom_score = "high" is not an integer from -1000 to 1000'],
  ["a number out of range", "\n\noom_score = 2000", ':3: oom_score: "2000" is not an integer from -1000 to 1000'],
  ["a fraction for an integer", "oom_score = 1.5", ':1: oom_score: "1.5" is not an integer from -1000 to 1000'],
  ["a wrong choice", 'network = "hots"', ':1: network: "hots" is not one of none, host; did you mean host?'],
  [
    "a wrong duration",
    'stop_timeout = "soon"',
    ':1: stop_timeout: "soon" is not a duration such as 500ms, 30s or 1m30s',
  ],
  ["a boolean as text", 'json = "yes"', ':1: json = "yes" is not true or false'],
  ["no TOML", "oom_score = 1\nname = \n", ":2:8: "],
  ["a key given twice", "oom_score = 1\noom_score = 2", ":2:"],
];

for (const [name, text, message] of wrongFiles) {
  test(`X01 a configuration file with ${name} is refused with file and line`, async () => {
    await withFile(text, async (path) => {
      const { code, stdout, stderr } = await run(["--config", path, "sample", "x"]);
      assert.deepEqual([code, stdout], [125, ""]);
      assert.ok(stderr.startsWith(`gantry: ${path}${message}`), stderr);
    });
  });
}

test("numbers and texts of the file are read like those of flags", async () => {
  await withFile('stop_timeout = 5\nname = "007"\nnetwork = "host"\n', async (path) => {
    const { stdout } = await run(["--config", path, "sample", "x"]);
    const { flags } = Object(JSON.parse(stdout));
    assert.deepEqual([flags.stopTimeout, flags.name, flags.network], [5000, "007", "host"]);
  });
});

test("T16 a variable of the wrong form is refused by its name", async () => {
  const { code, stderr } = await run(["sample", "x"], { env: { ...home, GANTRY_OOM_SCORE: "high" } });
  assert.equal(code, 125);
  assert.equal(stderr, 'gantry: GANTRY_OOM_SCORE: "high" is not an integer from -1000 to 1000\n');
});

test("an unknown GANTRY_ variable is a warning with the nearest right one, and nothing more", async () => {
  const env = { ...home, GANTRY_OOM_SCROE: "1", GANTRY_QUUX_ZORK: "1", GANTRY_STUB_DENO_DIR: "=/x" };
  const { code, stderr } = await run(["sample", "x"], { env });
  assert.equal(code, 0);
  assert.equal(
    stderr,
    "gantry: warning: the variable GANTRY_OOM_SCROE is not known; did you mean GANTRY_OOM_SCORE?\n" +
      "gantry: warning: the variable GANTRY_QUUX_ZORK is not known\n",
  );
});

test("a broken file does not stop help, version or completion", async () => {
  await withFile("???", async (path) => {
    const env = { ...home, GANTRY_CONFIG: path };
    for (const argv of [["--help"], ["help"], ["sample", "--help"], ["completion", "bash"], ["version", "--help"]]) {
      const { code, stderr } = await transcript(argv, { env });
      if (argv[0] !== "sample") assert.deepEqual([code, stderr], [0, ""], argv.join(" "));
    }
  });
});

test("addresses are taken with and without unix://, from CONTAINERD_ADDRESS after GANTRY_ADDRESS", async () => {
  const address = async (env: Readonly<Record<string, string>>, ...argv: readonly string[]) =>
    Object(JSON.parse((await run(["globals", ...argv], { env: { ...home, ...env } })).stdout)).address;
  assert.equal(await address({}), undefined);
  assert.equal(await address({ CONTAINERD_ADDRESS: "unix:///run/a.sock" }), "/run/a.sock");
  assert.equal(await address({ CONTAINERD_ADDRESS: "/run/a.sock", GANTRY_ADDRESS: "/run/b.sock" }), "/run/b.sock");
  assert.equal(await address({}, "--address", "unix:/run/c.sock"), "/run/c.sock");
});

test("T16 an address that is no unix socket is refused", async () => {
  for (const address of ["tcp://1.2.3.4:5", "", "unix://"]) {
    const { code, stderr } = await run(["globals", "--address", address]);
    assert.equal(code, 125);
    assert.equal(stderr, `gantry: --address: ${JSON.stringify(address)} is not the path of a unix socket\n`);
  }
});

test("directories become absolute, and where a value came from can be asked", async () => {
  const { stdout } = await run(["globals", "--state", "a/../b/", "--root=/x//y/."], {
    env: { ...home, CONTAINERD_NAMESPACE: "k8s.io" },
  });
  assert.deepEqual(JSON.parse(stdout), {
    state: `${Deno.cwd()}/b`,
    root: "/x/y",
    namespace: "k8s.io",
    origin: { kind: "environment", name: "CONTAINERD_NAMESPACE" },
  });
});

test("X01 any text as a configuration file is read or refused with the file's name", async () => {
  const settings = settingFlags(sampleCommands, flagMap(globalFlags));
  const line = fc.oneof(
    fc.string(),
    fc.tuple(
      fc.constantFrom("oom_score", "state", "json", "x", "[a]", '"q"'),
      fc.constantFrom("=", " = ", "", "."),
      fc.string(),
    )
      .map((parts) => parts.join("")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 4 }), async (lines) => {
      try {
        await parseSettings(lines.join("\n"), { path: "/f.toml", settings });
      } catch (error) {
        assert.ok(isCode(error, "invalid_argument"), String(error));
        assert.ok(error.message.startsWith("/f.toml:"), error.message);
      }
    }),
    { numRuns: 500 },
  );
});
