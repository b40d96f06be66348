import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { tokenize } from "../../../lib/cli/tokens.ts";
import { test } from "../../support/test.ts";

const values: Readonly<Record<string, boolean>> = { env: true, memory: true, name: true, tty: false, rm: false };
const shorts: Readonly<Record<string, string>> = { e: "env", m: "memory", t: "tty" };

function tokens(args: readonly string[], stopAtPositional = false): unknown {
  const { options, positionals } = tokenize(args, {
    stopAtPositional,
    long: (name) => Object.hasOwn(values, name) ? values[name] : undefined,
    short: (letter) => Object.hasOwn(shorts, letter) ? values[shorts[letter] ?? ""] : undefined,
  });
  return [options.map(({ typed, value }) => value === undefined ? [typed] : [typed, value]), positionals];
}

const cases: readonly (readonly [args: readonly string[], options: unknown, positionals: readonly string[]])[] = [
  [["-it"], [["-i"], ["-t"]], []],
  [["-e", "A=B", "-eC=D"], [["-e", "A=B"], ["-e", "C=D"]], []],
  [["--name=x"], [["--name", "x"]], []],
  [["--name", "x"], [["--name", "x"]], []],
  [["-m512m"], [["-m", "512m"]], []],
  [["-m=512m"], [["-m", "512m"]], []],
  [["-tm", "512m", "x"], [["-t"], ["-m", "512m"]], ["x"]],
  [["-t=false"], [["-t", "false"]], []],
  [["--no-rm"], [["--no-rm"]], []],
  [["--", "--rm", "--"], [], ["--rm", "--"]],
  [["--memory", "-1"], [["--memory", "-1"]], []],
  [["--name", "--"], [["--name", "--"]], []],
  [["--name"], [["--name"]], []],
  [["--name", ""], [["--name", ""]], []],
  [["--name="], [["--name", ""]], []],
  [["--name=a=b"], [["--name", "a=b"]], []],
  [["--name", "007"], [["--name", "007"]], []],
  [["--name", "false"], [["--name", "false"]], []],
  [["--bogus", "x"], [["--bogus"]], ["x"]],
  [["-"], [], ["-"]],
  [[""], [], [""]],
  [["--__proto__=x", "-o"], [["--__proto__", "x"], ["-o"]], []],
  [["-e"], [["-e"]], []],
];

for (const [args, options, positionals] of cases) {
  test(`tokenize() reads ${JSON.stringify(args)}`, () => {
    assert.deepEqual(tokens(args), [options, positionals]);
  });
}

test("tokenize() leaves everything after the first positional alone when it is told to", () => {
  const words = ["IMG", "sh", "-c", "x --hi", "--", "--rm"];
  assert.deepEqual(tokens(["--rm", ...words], true), [[["--rm"]], words]);
  assert.deepEqual(tokens(["--", "sh", "--", "-c"], true), [[], ["sh", "--", "-c"]]);
});

test("tokenize() agrees with node's parseArgs on every command line both understand", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "--rm",
      "--no-rm",
      "--tty",
      "--name",
      "--env",
      "--",
      "-",
      "-t",
      "-tt",
      "-te",
      "-m",
      "-m5",
      "-e",
      "",
    ),
    fc.string({ maxLength: 6 }).map((text) => `--name=${text}`),
    fc.string({ maxLength: 6 }).filter((text) => !text.startsWith("-")),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (args) => {
      const theirs = parseArgs({
        args,
        strict: false,
        tokens: true,
        allowPositionals: true,
        options: {
          env: { type: "string", short: "e" },
          memory: { type: "string", short: "m" },
          name: { type: "string" },
          tty: { type: "boolean", short: "t" },
          rm: { type: "boolean" },
        },
      }).tokens;
      const options = theirs.flatMap((token) =>
        token.kind !== "option" ? [] : [token.value === undefined ? [token.rawName] : [token.rawName, token.value]]
      );
      const positionals = theirs.flatMap((token) => token.kind === "positional" ? [token.value] : []);
      assert.deepEqual(tokens(args), [options, positionals]);
    }),
    { numRuns: 2000 },
  );
});

test("X01 tokenize() takes any command line without throwing and loses no positional", () => {
  fc.assert(fc.property(fc.array(fc.string()), fc.boolean(), (args, stop) => {
    tokens(args, stop);
    assert.deepEqual(tokens(["--", ...args], stop), [[], args]);
  }));
});
