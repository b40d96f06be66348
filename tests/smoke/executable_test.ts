import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { test } from "../support/test.ts";
import { projectDir } from "../support/versions.ts";
import { namesIn, runProgram } from "./stub_setting.ts";

/** What `deno task compile` wrote; scripts/test builds it first. */
const executable = `${projectDir}dist/gantry`;

const skip = namesIn(`${projectDir}dist`).includes("gantry")
  ? undefined
  : "dist/gantry is not built: deno task compile";

async function version(): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await runProgram(executable, ["version", "--client", "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("version --json says what was built, from what, how and with which Deno", { skip }, async () => {
  const { version: number, commit, deno, built } = await version();
  assert.equal(number, config.version);
  assert.match(String(commit), /^([0-9a-f]{12}(-dirty)?|unknown)$/);
  assert.equal(deno, Deno.version.deno);
  assert.ok(built === "portable" || built === "compiled", String(built));
  const head = new TextDecoder().decode((await Deno.readFile(executable)).subarray(0, 4));
  assert.equal(built, head.startsWith("#!") ? "portable" : "compiled");
});

test("the executable runs from any folder and under any name, and needs nothing of the project", { skip }, async () => {
  const home = await Deno.makeTempDir();
  try {
    await Deno.copyFile(executable, `${home}/other name`);
    await Deno.chmod(`${home}/other name`, 0o755);
    const path = "/usr/sbin:/usr/bin:/sbin:/bin";
    const args = ["-i", `PATH=${path}`, `GANTRY_CACHE=${home}/cache`, `${home}/other name`, "--help"];
    const { code, stdout, stderr } = await runProgram("env", args, { cwd: "/" });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /gantry/);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

test("nothing predictable is left in the temporary folder that everyone can write to", { skip }, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code } = await runProgram(executable, ["version", "--client"], { env: { TMPDIR: folder } });
    assert.equal(code, 0);
    assert.deepEqual(namesIn(folder), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test(
  "an unknown command ends with 125, a message on standard error and nothing on standard output",
  { skip },
  async () => {
    const { code, stdout, stderr } = await runProgram(executable, ["vresion"]);
    assert.deepEqual({ code, stdout }, { code: 125, stdout: "" });
    assert.match(stderr, /vresion/);
    assert.match(stderr, /version/);
  },
);

test("a program that closes our output early ends us quietly", { skip }, async () => {
  const { code, stderr } = await runProgram("bash", [
    "-c",
    `set -o pipefail; "$0" --help | head -c 1 >/dev/null; exit 0`,
    executable,
  ]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});
