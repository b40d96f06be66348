import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../../support/test.ts";
import { transcript } from "./captured_io.ts";
import { ran, sampleCommands } from "./sample_command.ts";

const options = { commands: sampleCommands };

async function given(...argv: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await transcript(argv, options);
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

async function refused(argv: readonly string[], message: string, hint?: string): Promise<void> {
  ran.length = 0;
  const lines = [`gantry: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`]), ""];
  assert.deepEqual(await transcript(argv, options), { code: 125, stdout: "", stderr: lines.join("\n") });
  assert.deepEqual(ran, [], "nothing may be done");
}

const defaults = {
  rm: false,
  sigProxy: true,
  interactive: false,
  tty: false,
  env: [],
  volume: [],
  label: {},
  stopTimeout: 10_000,
  network: "none",
};

test("flags have their defaults", async () => {
  assert.deepEqual(await given("sample", "x"), { flags: defaults, args: ["x"], given: [] });
});

test("flags of every kind are read", async () => {
  const argv = "sample --rm --no-sig-proxy -it -e A=B --env=C -v /a:/b --label k=v --label l -m512m --oom-score -999 " +
    "--cpus 1.5 --stop-timeout=1m30s --network host --name 007 -- sh -c x --hi";
  assert.deepEqual(await given(...argv.split(" ")), {
    flags: {
      rm: true,
      sigProxy: false,
      interactive: true,
      tty: true,
      env: ["A=B", "C"],
      volume: ["/a:/b"],
      label: { k: "v", l: "" },
      memory: 512 * 1024 * 1024,
      oomScore: -999,
      cpus: 1.5,
      stopTimeout: 90_000,
      network: "host",
      name: "007",
    },
    args: ["sh", "-c", "x", "--hi"],
    given: "rm sigProxy interactive tty env volume label memory oomScore cpus stopTimeout network name".split(" "),
  });
});

test("what follows the first positional is left alone", async () => {
  const { args } = Object(await given("sample", "--rm", "IMG", "sh", "-c", "x --hi", "--json", "--", "-h"));
  assert.deepEqual(args, ["IMG", "sh", "-c", "x --hi", "--json", "--", "-h"]);
});

test("a boolean takes a value after =, an empty value is a value", async () => {
  const { flags } = Object(await given("sample", "--rm=false", "-i=true", "--sig-proxy=no", "--name=", "x"));
  assert.deepEqual([flags.rm, flags.interactive, flags.sigProxy, flags.name], [false, true, false, ""]);
});

test("a label named __proto__ is a label like any other", async () => {
  const { stdout } = await transcript(["sample", "--label", "__proto__=x", "x"], options);
  assert.match(stdout, /"label":\{"__proto__":"x"\}/);
});

test("global flags are taken before and after the command, and between its two words", async () => {
  for (const argv of [["--json", "config", "show"], ["config", "--json", "show"], ["config", "show", "--json"]]) {
    assert.deepEqual(await transcript(argv, options), { code: 0, stdout: '{"shown":true}\n', stderr: "" });
  }
});

test("T16 an unknown flag is refused with the nearest right one", async () => {
  await refused(["sample", "--naem", "x", "y"], "unknown flag --naem for gantry sample", "did you mean --name?");
  await refused(
    ["sample", "--oomscore=1", "y"],
    "unknown flag --oomscore for gantry sample",
    "did you mean --oom-score?",
  );
  await refused(["--jsn", "sample", "y"], "unknown flag --jsn for gantry", "did you mean --json?");
});

test("T16 an unknown flag with nothing near it points at the help", async () => {
  await refused(
    ["sample", "--frobnicate", "y"],
    "unknown flag --frobnicate for gantry sample",
    'see "gantry sample --help"',
  );
  await refused(["sample", "-x", "y"], "unknown flag -x for gantry sample", 'see "gantry sample --help"');
});

test("T16 a flag of a command that stands before it is sent to its place", async () => {
  await refused(
    ["--rm", "sample"],
    "unknown flag --rm for gantry",
    'it is a flag of "gantry sample" and goes after the command',
  );
  await refused(
    ["-i", "sample"],
    "unknown flag -i for gantry",
    'it is a flag of "gantry sample" and goes after the command',
  );
});

test("T16 an unknown command is refused with the nearest right one", async () => {
  await refused(["smaple"], 'unknown command "smaple"', 'did you mean "gantry sample"?');
  await refused(["config", "shwo"], 'unknown command "config shwo"', 'did you mean "gantry config show"?');
  await refused(["frobnicate"], 'unknown command "frobnicate"', 'see "gantry --help"');
  await refused([""], 'unknown command ""', 'see "gantry --help"');
});

test("T16 a missing value is refused, and told from an empty one", async () => {
  await refused(["sample", "--name"], "--name needs a value: --name TEXT", 'see "gantry sample --help"');
  await refused(["sample", "-m"], "-m needs a value: -m SIZE", 'see "gantry sample --help"');
  await refused(["sample", "--memory=", "x"], '--memory: "" is not a size such as 512k, 64m or 1g');
});

test("T16 values of the wrong type are refused with the right form", async () => {
  const wrong: readonly (readonly [flag: string, value: string, form: string])[] = [
    ["oom-score", "abc", "an integer from -1000 to 1000"],
    ["oom-score", "1001", "an integer from -1000 to 1000"],
    ["oom-score", "1.5", "an integer from -1000 to 1000"],
    ["oom-score", "0x10", "an integer from -1000 to 1000"],
    ["oom-score", "", "an integer from -1000 to 1000"],
    ["cpus", "0", "a number of at least 0.01"],
    ["cpus", "1e3", "a number of at least 0.01"],
    ["stop-timeout", "soon", "a duration such as 500ms, 30s or 1m30s"],
    ["memory", "lots", "a size such as 512k, 64m or 1g"],
    ["label", "=x", "KEY=VALUE"],
  ];
  for (const [flag, value, form] of wrong) {
    await refused(
      ["sample", `--${flag}`, value, "x"],
      `--${flag}: ${JSON.stringify(value)} is not ${form}`,
    );
  }
});

test("T16 a wrong choice is refused with the nearest right one", async () => {
  await refused(
    ["sample", "--network", "hots", "x"],
    '--network: "hots" is not one of none, host; did you mean host?',
  );
});

test("T16 a boolean with a value that is none is refused", async () => {
  await refused(["sample", "--rm=maybe", "x"], '--rm: "maybe" is not true or false');
  await refused(["sample", "--no-rm=true", "x"], "--no-rm takes no value", "write --no-rm alone");
});

test("T16 a flag that may stand once is refused when it stands twice", async () => {
  await refused(["sample", "--name", "a", "--name=b", "x"], '--name is given twice: "a" and "b"', "give it once");
  await refused(
    ["--namespace=a", "sample", "--namespace=b", "x"],
    '--namespace is given twice: "a" and "b"',
    "give it once",
  );
  await refused(["sample", "--rm", "--no-rm", "x"], "--rm is given twice, with different values", "give it once");
});

test("a boolean may be repeated", async () => {
  const { flags } = Object(await given("sample", "-t", "-it", "--tty", "x"));
  assert.equal(flags.tty, true);
});

test("T16 missing and excess arguments are refused", async () => {
  await refused(["sample", "--rm"], "gantry sample needs at least one COMMAND", 'see "gantry sample --help"');
  await refused(
    ["config", "show", "a", "b"],
    'gantry config show takes at most one argument, but there is "b"',
    'see "gantry config show --help"',
  );
});

test("a global flag's short letter belongs to the command that has it too", async () => {
  const { flags } = Object(await given("-v", "sample", "-v", "/a:/b", "x"));
  assert.deepEqual(flags.volume, ["/a:/b"]);
});

test("an error is one JSON object on stderr in JSON mode, wherever --json stands", async () => {
  for (
    const argv of [["--json", "sample", "--naem"], ["sample", "--json", "--naem"], [
      "--format",
      "json",
      "sample",
      "--naem",
    ]]
  ) {
    const { code, stdout, stderr } = await transcript(argv, options);
    assert.deepEqual([code, stdout], [125, ""]);
    assert.deepEqual(JSON.parse(stderr), {
      code: "invalid_argument",
      message: "unknown flag --naem for gantry sample",
      hint: "did you mean --name?",
    });
  }
});

test("X01 any command line ends with a code and a message, never with a crash", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      "sample",
      "config",
      "show",
      "--json",
      "--rm",
      "-it",
      "--name",
      "--",
      "--help",
      "-e",
      "--no-rm",
      "--version",
    ),
    fc.string({ maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (argv) => {
      // --config would read files of this machine.
      if (argv.some((each) => each.startsWith("--co"))) return;
      const { code, stdout, stderr } = await transcript(argv, options);
      assert.ok([0, 125].includes(code), `code ${code}`);
      assert.ok(stdout !== "" || stderr !== "");
      assert.doesNotMatch(stderr, /defect/);
    }),
    { numRuns: 500 },
  );
});
