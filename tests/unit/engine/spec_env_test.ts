import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { envName, mergeEnv, parseEnvFlag, readEnvFile } from "../../../lib/engine/spec/env.ts";
import { redactEnv, redactSpec } from "../../../lib/engine/spec/redact.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

const lookup = (name: string): string | undefined => name === "OURS" ? "from us" : undefined;

async function entriesOf(content: string | Uint8Array<ArrayBuffer>): Promise<readonly string[]> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return await readEnvFile(path, { lookup });
  } finally {
    await Deno.remove(path);
  }
}

test("-e KEY=VALUE is taken as it is and -e KEY from our environment, if it is set there", () => {
  assert.equal(parseEnvFlag("A=b=c d", lookup), "A=b=c d");
  assert.equal(parseEnvFlag("A=", lookup), "A=");
  assert.equal(parseEnvFlag("OURS", lookup), "OURS=from us");
  assert.equal(parseEnvFlag("THEIRS", lookup), undefined);
  assert.throws(() => parseEnvFlag("=x", lookup), gantryError("invalid_argument", /no variable name/));
  assert.throws(() => parseEnvFlag("", lookup), gantryError("invalid_argument", /no variable name/));
  assert.throws(() => parseEnvFlag("A\0=x", lookup), gantryError("invalid_argument", /NUL/));
});

test("an env file is read in docker's format", async () => {
  assert.deepEqual(
    await entriesOf(
      '\uFEFFFIRST=1\n# comment\n\n  \t\n  INDENTED=2\nQUOTED="a b"\nTRAILING= x \nEQUALS=a=b\nEMPTY=\n\t# too\nOURS\nTHEIRS\nCRLF=x\r\nLAST=#no comment',
    ),
    [
      "FIRST=1",
      "INDENTED=2",
      'QUOTED="a b"',
      "TRAILING= x ",
      "EQUALS=a=b",
      "EMPTY=",
      "OURS=from us",
      "CRLF=x",
      "LAST=#no comment",
    ],
  );
  assert.deepEqual(await entriesOf(""), []);
});

test("X04 a bad line is told by its number and never by its text", async () => {
  const refused: readonly (readonly [string | Uint8Array<ArrayBuffer>, RegExp])[] = [
    ["A=1\n=hunter2\n", /line 2: no variable name/],
    ["A=1\n\nmy hunter2\n", /line 3: white space in the name/],
    ["export A=hunter2", /line 1: white space in the name/],
    ["A=hunter2\0", /line 1: a NUL/],
    [new Uint8Array([65, 61, 49, 10, 66, 61, 0xff, 10]), /line 2: not UTF-8/],
  ];
  for (const [content, message] of refused) {
    await assert.rejects(entriesOf(content), (error) => {
      gantryError("invalid_argument", message)(error);
      return error instanceof GantryError && !/hunter2/.test(`${error.message} ${error.hint}`);
    });
  }
});

test("an env file that is missing, a directory or endless is an error that names it", async () => {
  await assert.rejects(readEnvFile("/no/such/file"), gantryError("not_found", /--env-file \/no\/such\/file/));
  await assert.rejects(readEnvFile("/tmp"), (error) => error instanceof GantryError && /\/tmp/.test(error.message));
  await assert.rejects(readEnvFile("/dev/zero"), gantryError("resource_exhausted", /--env-file \/dev\/zero is larger/));
});

test("reading an env file stops when it is aborted", async () => {
  const reason = new DOMException("enough", "AbortError");
  await assert.rejects(readEnvFile("/dev/zero", { signal: AbortSignal.abort(reason) }), reason);
});

test("X01 any bytes are entries with a name, or an error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      try {
        for (const entry of await entriesOf(new Uint8Array(bytes))) assert.match(entry, /^[^=\s]+=/s);
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
      }
    }),
    { numRuns: 50 },
  );
});

test("later entries replace earlier ones at their place", () => {
  assert.deepEqual(mergeEnv(["A=1", "B=2", "A=3", "C"]), ["A=3", "B=2", "C"]);
  assert.equal(envName("A=b=c"), "A");
});

test("X04 values are masked but for the variables gantry sets itself", () => {
  assert.equal(redactEnv("TOKEN=abc"), "TOKEN=***");
  assert.equal(redactEnv("EMPTY="), "EMPTY=***");
  assert.equal(redactEnv("PATH=/bin"), "PATH=/bin");
  const hook = { path: "/h", env: ["S=secret"] };
  const spec = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/", env: ["HOME=/root", "PASSWORD=secret"] },
    hooks: { prestart: [hook, { path: "/plain" }] },
  };
  const shown = redactSpec(spec);
  assert.ok(!JSON.stringify(shown).includes("secret"));
  assert.deepEqual(shown.process?.env, ["HOME=/root", "PASSWORD=***"]);
  assert.deepEqual(shown.hooks?.prestart, [{ path: "/h", env: ["S=***"] }, { path: "/plain" }]);
  assert.deepEqual(spec.process.env, ["HOME=/root", "PASSWORD=secret"]);
  assert.deepEqual(redactSpec({ ociVersion: "1.0.2" }), { ociVersion: "1.0.2" });
});
