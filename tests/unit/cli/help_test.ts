import assert from "node:assert/strict";
import { command } from "../../../lib/cli/command.ts";
import { commands } from "../../../lib/cli/table.ts";
import { flagMap, longName } from "../../../lib/cli/command.ts";
import { displayWidth } from "../../../lib/cli/columns.ts";
import { globalFlags } from "../../../lib/cli/global_flags.ts";
import { definitionList, wrapText } from "../../../lib/cli/wrap.ts";
import { test } from "../../support/test.ts";
import { transcript } from "./captured_io.ts";
import { sampleCommands } from "./sample_command.ts";

test("gantry alone, gantry --help, -h and gantry help show the same help on stdout and exit 0", async () => {
  const shown = await transcript([]);
  assert.equal(shown.code, 0);
  assert.equal(shown.stderr, "");
  assert.match(shown.stdout, /^Usage: gantry \[FLAGS\] COMMAND/);
  for (const argv of [["--help"], ["-h"], ["help"]]) assert.deepEqual(await transcript(argv), shown, argv.join());
});

test("the help of a command is the same by --help, -h, before and after it, and help", async () => {
  const options = { commands: [...sampleCommands, ...commands] };
  const shown = await transcript(["config", "show", "--help"], options);
  assert.match(shown.stdout, /^Usage: gantry config show \[FLAGS\] \[THING\]\n\nDoes config show\.\n/);
  for (
    const argv of [
      ["--help", "config", "show"],
      ["config", "show", "-h"],
      ["help", "config", "show"],
      ["config", "show", "--help", "--bogus"],
    ]
  ) assert.deepEqual(await transcript(argv, options), shown, argv.join(" "));
});

test("the help of a sample command has usage, flags with defaults, settings and examples", async () => {
  const { stdout } = await transcript(["sample", "--help"], { commands: sampleCommands, columns: 80 });
  assert.equal(
    stdout,
    `Usage: gantry sample [FLAGS] [--] COMMAND…

Say what was given.

Arguments:
  COMMAND  What to run

Flags:
      --rm                     Remove it
      --sig-proxy              Pass on signals (default: on)
  -i, --interactive            Pass on stdin
  -t, --tty                    Terminal
  -e, --env TEXT               Set a variable (repeatable)
  -v, --volume TEXT            Mount (repeatable)
      --label KEY=VALUE        Label (repeatable)
  -m, --memory SIZE            Limit
      --oom-score N            Score
      --cpus N                 CPUs
      --stop-timeout DURATION  Wait (default: 10s)
      --network none|host      Network (default: none)
      --name TEXT              Name

Settings too: --oom-score, --stop-timeout, --network, --name. Of --oom-score the
variable is GANTRY_OOM_SCORE and the key in the configuration file oom_score. A
flag goes before a variable, a variable before the file.

Examples:
  # say x
  gantry sample x

Flags of every command: --state, --root, --address, --runtime, --shim,
--namespace, --config, --json, --format, --color, --log-level, --log-format,
--verbose, --debug, --help; see "gantry --help".
`,
  );
});

test("a first word alone shows what can follow it", async () => {
  const { code, stdout } = await transcript(["config"], { commands: sampleCommands });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^Usage: gantry config COMMAND\n\nCommands:\n {2}config show {2}Does config show\n {2}config path/,
  );
});

test("T16 help on something that is not there names the nearest", async () => {
  const { code, stdout, stderr } = await transcript(["help", "verzion"]);
  assert.deepEqual([code, stdout], [125, ""]);
  assert.equal(stderr, 'gantry: there is no help on "verzion"\nhint: did you mean "gantry help version"?\n');
});

test("help fits the terminal", async () => {
  for (const columns of [40, 60, 100]) {
    for (const { name } of commands) {
      const { stdout } = await transcript([...name.split(" "), "--help"], { columns });
      const body = stdout.slice(stdout.indexOf("\n"), stdout.indexOf("\nExamples:"));
      for (const line of body.split("\n").filter((each) => displayWidth(each) > columns)) {
        // What cannot be broken: a flag with its value, a word.
        assert.match(line, /^ {2}.{4}--\S+ \S+$|^ *\S+$/, `${name} at ${columns}`);
      }
    }
  }
});

test("every command has examples that begin with gantry or use it, and a summary without a full stop", () => {
  for (const { name, examples, summary, positionals, flags } of commands) {
    assert.ok(examples.length > 0, name);
    for (const { line } of examples) assert.match(line, /\bgantry\b/);
    assert.doesNotMatch(summary, /\.$/);
    for (const [key, flag] of flags) assert.doesNotMatch(flag.summary, /\.$/, `${name} --${longName(key)}`);
    assert.ok(positionals.slice(0, -1).every((each) => each.many !== true), `${name}: only the last may be many`);
  }
});

test("names are unique, and no command takes a global flag's long name", () => {
  assert.equal(new Set(commands.map((each) => each.name)).size, commands.length);
  for (const { name, flags } of commands) {
    for (const key of flags.keys()) assert.ok(!flagMap(globalFlags).has(key), `${name} --${longName(key)}`);
    const shorts = [...flags.values()].flatMap((flag) => flag.short ?? []);
    assert.equal(new Set(shorts).size, shorts.length, `${name}: ${shorts}`);
    for (const key of flags.keys()) {
      assert.ok(!flags.has(`no${key[0]?.toUpperCase()}${key.slice(1)}`), `${name} ${key}`);
    }
  }
});

test("every command's module can be loaded", async () => {
  for (const name of commands.map((each) => each.name.replaceAll(/[ -]/g, "_"))) {
    const module = await import(new URL(`../../../lib/cli/commands/${name}_action.ts`, import.meta.url).href);
    assert.equal(typeof module.run, "function", name);
  }
});

test("a hidden command works and is not shown", async () => {
  const hidden = command({
    name: "secret",
    group: "General",
    summary: "Work",
    hidden: true,
    examples: [],
    positionals: [],
    flags: {},
    load: () => Promise.resolve({ run: () => Promise.resolve(7) }),
  });
  const options = { commands: [...sampleCommands, hidden] };
  assert.equal((await transcript(["secret"], options)).code, 7);
  assert.doesNotMatch((await transcript([], options)).stdout, /secret/);
  assert.match((await transcript(["secrte"], options)).stderr, /hint: see "gantry --help"/);
});

test("wrapText() breaks at spaces and leaves long words whole", () => {
  assert.deepEqual(wrapText("a bb  ccc dddddddd e", 5), ["a bb", "ccc", "dddddddd", "e"]);
  assert.deepEqual(wrapText("", 5), []);
});

test("definitionList() gives a long term a line of its own", () => {
  assert.deepEqual(definitionList([["-a", "one two three"], ["--long-long-long", "four"]], 18), [
    "  -a  one two",
    "      three",
    "  --long-long-long",
    "      four",
  ]);
});
