import assert from "node:assert/strict";
import plugin from "../../../scripts/lint_plugin.ts";
import { test } from "../../support/test.ts";

/** The rules that speak up about a source text, without the plugin's name. */
function complaints(path: string, source: string): string[] {
  const found = Deno.lint.runPlugin(plugin, path, source).map(({ id }) => id.replace(/^gantry\//, ""));
  return [...new Set(found)].sort();
}

interface Case {
  readonly rule: string;
  readonly path: string;
  readonly bad: readonly string[];
  readonly good: readonly string[];
  /** Paths where the bad sources are allowed. */
  readonly freeIn?: readonly string[];
}

const cases: readonly Case[] = [
  {
    rule: "layers",
    path: "lib/engine/container.ts",
    bad: [
      'import { x } from "../supervisor/child.ts";',
      'import { x } from "../daemon/daemon.ts";',
      'import type { X } from "../cli/x.ts";',
      'export { x } from "../control/client.ts";',
      'const x = await import("../control/client.ts");',
      'import { x } from "../mod.ts";',
      'import { x } from "../../tests/support/test.ts";',
    ],
    good: [
      'import { x } from "./spec.ts";',
      'import { x } from "../containerd/tasks.ts";',
      'import { x } from "../base/clock.ts";',
      'import { x } from "../../proto/gen/a.ts";',
      'import { x } from "smol-toml";',
    ],
  },
  { rule: "layers", path: "lib/shim/bundle.ts", bad: ['import { x } from "../containerd/tasks.ts";'], good: [] },
  { rule: "layers", path: "lib/containerd/tasks.ts", bad: ['import { x } from "../shim/bundle.ts";'], good: [] },
  { rule: "layers", path: "lib/base/x.ts", bad: ['import { x } from "../../proto/gen/a.ts";'], good: [] },
  {
    rule: "layers",
    path: "lib/nowhere/x.ts",
    bad: ['import { x } from "../base/clock.ts";'],
    good: [],
    freeIn: ["tests/unit/x_test.ts"],
  },
  {
    rule: "layers",
    path: "lib/cli/run.ts",
    bad: ['import { x } from "../../main.ts";'],
    good: ['import { x } from "../mod.ts";', 'import { x } from "../daemon/daemon.ts";'],
  },
  { rule: "layers", path: "lib/wire/x.ts", bad: [], good: ['import { x } from "../../proto/gen/a.ts";'] },
  { rule: "layers", path: "main.ts", bad: [], good: ['import { x } from "./lib/cli/main.ts";'] },
  {
    rule: "only-grpc-transport-imports-grpc",
    path: "lib/containerd/tasks.ts",
    bad: ['import { x } from "@grpc/grpc-js";', 'const x = import("@grpc/grpc-js");', 'import "npm:@grpc/grpc-js@1";'],
    good: ['import { x } from "../rpc/transport.ts";'],
    freeIn: ["lib/rpc/grpc_transport.ts", "tests/support/fake_containerd.ts"],
  },
  {
    rule: "no-node-imports",
    path: "lib/engine/stdio.ts",
    bad: ['import { x } from "node:net";', 'const x = await import("node:net");', 'export { x } from "node:fs";'],
    good: ['import type { x } from "node:net";'],
    freeIn: ["lib/rpc/grpc_transport.ts", "tests/unit/x_test.ts", "scripts/compile.ts"],
  },
  {
    rule: "no-node-globals",
    path: "lib/engine/stdio.ts",
    bad: ["export const x = process.env.HOME;", "Buffer.from([1]);", "globalThis.process.exit;", "globalThis.Buffer;"],
    good: [
      "export function f(process: { pid: number }): number { return process.pid; }",
      "const process = { pid: 1 }; export const x = process.pid;",
      "for (const process of []) { console.assert(process.pid); }",
      "export const x = { process: 1 };",
    ],
    freeIn: ["tests/unit/x_test.ts"],
  },
  {
    rule: "only-main-exits",
    path: "lib/cli/run.ts",
    bad: ["Deno.exit(1);", "Deno.exitCode = 3;", "globalThis.Deno.exit();"],
    good: ["export const code = 3;"],
    freeIn: ["main.ts", "scripts/compile.ts"],
  },
  {
    rule: "only-cli-prints",
    path: "lib/engine/spec.ts",
    bad: ["console.log(1);", "console.error(1);", "Deno.stdout.writeSync(x);", "await Deno.stderr.write(x);"],
    good: ['getLogger("engine").info("x");'],
    freeIn: ["lib/cli/output.ts", "tests/support/test.ts", "lib/base/log_sink.ts"],
  },
  {
    rule: "only-clock-reads-time",
    path: "lib/supervisor/health.ts",
    bad: [
      "export const x = Date.now();",
      "export const x = new Date();",
      "export const x = performance.now();",
      "setTimeout(f, 1);",
      "setInterval(f, 1);",
      "AbortSignal.timeout(5);",
      "Temporal.Now.instant();",
      "export const x = Date();",
    ],
    good: ["export const x = new Date(5);", "export const x = clock.now();", "clearTimeout(x);"],
    freeIn: ["lib/base/clock.ts", "tests/unit/x_test.ts"],
  },
  {
    rule: "no-casts",
    path: "lib/engine/spec.ts",
    bad: ["export const x = y as string;", "export const x = <string>y;", "export const x = y as unknown as Z;"],
    good: [
      'export const x = ["a"] as const;',
      "export const x = { a: 1 } satisfies X;",
      'import { a as b } from "./b.ts";',
    ],
    freeIn: ["lib/wire/any.ts", "tests/unit/x_test.ts"],
  },
  {
    rule: "no-enums",
    path: "lib/base/x.ts",
    bad: ["export enum X { A }", "const enum X { A }"],
    good: ['type X = "a";'],
  },
  {
    rule: "no-default-exports",
    path: "lib/base/x.ts",
    bad: ["export default 1;", "export default function f() {}"],
    good: ["export const x = 1;"],
    freeIn: ["scripts/lint_plugin.ts"],
  },
  {
    rule: "no-barrels",
    path: "lib/base/all.ts",
    bad: ['export * from "./clock.ts";', 'export * as clock from "./clock.ts";'],
    good: ['import * as clock from "./clock.ts";'],
    freeIn: ["lib/mod.ts"],
  },
  {
    rule: "hash-private",
    path: "lib/base/x.ts",
    bad: ["class X { private a = 1; }", "class X { private a() {} }", "class X { constructor(private a: number) {} }"],
    good: ["class X { #a = 1; readonly b = 2; }", "class X { private constructor() {} }"],
  },
  {
    rule: "file-length",
    path: "lib/base/x.ts",
    bad: ["// line\n".repeat(301)],
    good: ["// line\n".repeat(300)],
  },
];

for (const { rule, path, bad, good, freeIn = [] } of cases) {
  test(`lint rule ${rule} in ${path} refuses what it must and nothing else`, () => {
    for (const source of bad) assert.ok(complaints(path, source).includes(rule), `accepted: ${source}`);
    for (const source of good) assert.ok(!complaints(path, source).includes(rule), `refused: ${source}`);
    for (const free of freeIn) {
      for (const source of bad) assert.ok(!complaints(free, source).includes(rule), `refused in ${free}: ${source}`);
    }
  });
}

test("lint rule file-names refuses words that say nothing and names that are not snake_case", () => {
  for (const path of ["lib/base/util.ts", "lib/cli/run_helpers.ts", "lib/engine/taskManager.ts", "lib/services/x.ts"]) {
    assert.deepEqual(complaints(path, "export const x = 1;"), ["file-names"], path);
  }
  for (const path of ["lib/base/mounts.ts", "tests/unit/base/lock_test.ts", "main.ts", "lib/base/utility_free.ts"]) {
    assert.deepEqual(complaints(path, "export const x = 1;"), [], path);
  }
});

test("lint rules speak with the number, the name and what to do", () => {
  const [found] = Deno.lint.runPlugin(plugin, "lib/base/x.ts", 'import { x } from "../wire/any.ts";');
  assert.equal(found?.message, "lib/base may not import lib/wire: imports go down only.");
  assert.match(found?.hint ?? "", /Move the shared part down/);
});
