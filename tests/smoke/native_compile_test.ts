import assert from "node:assert/strict";
import { test } from "../support/test.ts";
import { projectDir } from "../support/versions.ts";
import { runProgram } from "./stub_setting.ts";

/*
 * The real runtime base cannot be had everywhere, so a small program stands in for it (DENORT_BIN): that tells whether
 * deno compile accepts the bundle and takes every chunk in, not whether the result runs.
 */
test("deno compile takes the whole bundle, also what is only imported lazily", async () => {
  const home = await Deno.makeTempDir();
  try {
    const script = ["run", "-A", `${projectDir}scripts/compile.ts`, `${home}/gantry`];
    const { code, stdout, stderr } = await runProgram(Deno.execPath(), script, { env: { DENORT_BIN: "/bin/true" } });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\(compiled, /);
    const text = new TextDecoder("latin1").decode(await Deno.readFile(`${home}/gantry`));
    for (
      const piece of ["lib/rpc/grpc_transport.ts", "lib/cli/main.ts", "node_modules/.deno/@grpc", 'built: "compiled"']
    ) {
      assert.ok(text.includes(piece), `no ${piece} in it`);
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
