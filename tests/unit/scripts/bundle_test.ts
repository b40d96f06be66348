import assert from "node:assert/strict";
import { bundle } from "../../../scripts/compile/bundle.ts";
import { hotPathFaults, type NodeTouch } from "../../../scripts/compile/node_touches.ts";
import { nodeAllowed } from "../../../scripts/lint/import_rules.ts";
import { test } from "../../support/test.ts";
import { projectDir } from "../../support/versions.ts";

// esbuild keeps one child process for the life of this test process: it is none of a single test's.
const options = { sanitizeOps: false, sanitizeResources: false };

const allowed = nodeAllowed.map(([path]) => path);
const info = { version: "0.0.0", commit: "none", built: "portable" };

/** Bundles made-up modules; the first one starts the program. */
async function bundleOf(modules: Readonly<Record<string, string>>): Promise<readonly NodeTouch[]> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, source] of Object.entries(modules)) await Deno.writeTextFile(`${folder}/${name}`, source);
    const made = await bundle({ entry: `${folder}/${Object.keys(modules)[0]}`, root: projectDir, info });
    return made.touches;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

test(
  "no chunk of gantry loads node polyfills but those that are allowed to, and these only behind import()",
  options,
  async () => {
    const { touches, files } = await bundle({ entry: `${projectDir}main.ts`, root: projectDir, info });
    assert.deepEqual(hotPathFaults(touches, allowed), []);
    assert.ok(files.some(({ name }) => name === "main.js"));
    for (const { name, contents } of files) {
      if (name === "grpc.js") continue;
      const text = new TextDecoder().decode(contents);
      assert.doesNotMatch(text, /createRequire|__require\(/, `${name} holds CommonJS`);
    }
  },
);

test("a node: import at the start of the program is found", options, async () => {
  const [touch] = await bundleOf({ "a.ts": 'import { hostname } from "node:os"; console.log(hostname());' });
  assert.equal(touch?.chunk, "main.js");
  assert.deepEqual(touch?.names, ["node:os"]);
  assert.equal(hotPathFaults([touch], allowed).length, 1);
});

test("the globals process and Buffer are found, variables of these names are not", options, async () => {
  const touches = await bundleOf({
    "a.ts":
      'export const x = globalThis.process; const { y } = await import("./b.ts"); const { z } = await import("./c.ts");' +
      "console.log(x, y, z);",
    "b.ts": 'export const y = Buffer.from("x");',
    "c.ts": "const process = { pid: 1 }; export const z = [process.pid].map((Buffer) => Buffer + 1);",
  });
  assert.deepEqual(touches.map(({ chunk, names, atStart }) => ({ chunk, names, atStart })), [
    { chunk: "b.js", names: ["Buffer"], atStart: false },
    { chunk: "main.js", names: ["process"], atStart: true },
  ]);
});

test("a slow module that another one imports statically is found", options, async () => {
  const touches = await bundleOf({
    "a.ts": 'const { b } = await import("./b.ts"); const { slow } = await import("./slow.ts"); console.log(b, slow);',
    "b.ts": 'import { slow } from "./slow.ts"; export const b = slow;',
    "slow.ts": 'import { hostname } from "node:os"; export const slow = hostname();',
  });
  const allowedHere = touches.flatMap(({ loadedBy }) => loadedBy).filter((path) => path.endsWith("slow.ts"));
  const [fault] = hotPathFaults(touches, allowedHere);
  assert.match(fault ?? "", /slow\.ts.*loads node:os together with .*b\.ts, which is not allowed to/);
});

test("packages that ask process for a switch do not load its polyfill", options, async () => {
  const generated = `${projectDir}proto/gen/containerd/version.ts`; // it imports @bufbuild/protobuf/wire, which asks
  const touches = await bundleOf({
    "a.ts": `import { VersionDefinition } from "${generated}"; console.log(VersionDefinition);`,
  });
  assert.deepEqual(touches, []);
});

test("a program that reaches grpc-js gets it as a file of its own, another one does not", options, async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/with.ts`, `await import("${projectDir}lib/rpc/grpc_transport.ts");`);
    await Deno.writeTextFile(`${folder}/without.ts`, "console.log(1);");
    const [withGrpc, without] = await Promise.all(["with", "without"].map(async (name) => {
      const { files } = await bundle({ entry: `${folder}/${name}.ts`, root: projectDir, info, opaqueImports: true });
      return files.map((file) => file.name);
    }));
    assert.ok(withGrpc?.includes("grpc.js"), String(withGrpc));
    assert.deepEqual(without, ["main.js"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
