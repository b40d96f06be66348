import assert from "node:assert/strict";
import { chooseEngine, type EngineChoice } from "../../../lib/cli/engine.ts";
import { test } from "../../support/test.ts";
import { transcript } from "./captured_io.ts";
import { acting } from "./sample_command.ts";

async function chosen(files: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<EngineChoice> {
  const state = await Deno.makeTempDir({ prefix: "gcli" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${state}/${name}`, text);
    const commands = [acting("choose", async (context) => {
      context.output.raw(JSON.stringify(await chooseEngine(context)));
      return 0;
    })];
    const { stdout } = await transcript(["choose", "--state", state, "--root", `${state}/root`, ...argv], { commands });
    return JSON.parse(stdout.replaceAll(`${state}/root`, "ROOT").replaceAll(state, "STATE"));
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

const record = (state: string) => JSON.stringify({ supervisor: {}, status: { state, address: "/run/own.sock" } });
const instance = { root: "ROOT", state: "STATE" };
const system = { kind: "containerd", address: "/run/containerd/containerd.sock", origin: "system", instance };
const own = { kind: "containerd", address: "/run/own.sock", origin: "instance", instance };
const shims = {
  kind: "shim",
  address: "STATE/shim/bundles",
  instance: { root: "ROOT/shim", state: "STATE/shim" },
};

test("an address that is given is taken", async () => {
  const files = { "status.json": record("serving") };
  const given = { ...own, address: "/a.sock", origin: "given" };
  assert.deepEqual(await chosen(files, "--address", "/a.sock"), given);
  assert.deepEqual(await chosen(files, "--address", "/a.sock", "--runtime", "containerd"), given);
});

test("shims that are asked for are run, whatever containerd there is", async () => {
  assert.deepEqual(await chosen({ "status.json": record("serving") }, "--runtime", "shim"), {
    ...shims,
    origin: "given",
  });
});

test("T16 an address and shims in one command are refused", async () => {
  const commands = [acting("choose", async (context) => {
    await chooseEngine(context);
    return 0;
  })];
  const argv = ["choose", "--address", "/a.sock", "--runtime", "shim"];
  const { code, stderr } = await transcript(argv, { commands });
  assert.equal(code, 125);
  assert.match(stderr, /--address names a containerd, and --runtime shim is without any\nhint: leave out one of them/);
});

test("the instance's containerd is taken while it is up, also while it is being restarted", async () => {
  for (const state of ["serving", "restarting", "failing"]) {
    assert.deepEqual(await chosen({ "status.json": record(state) }), own);
  }
});

test("the system's containerd is taken when the instance is down, and when containerd is asked for", async () => {
  assert.deepEqual(await chosen({ "status.json": record("down") }), system);
  assert.deepEqual(await chosen({}, "--runtime", "containerd"), system);
});

test("shims are run where there is no containerd, and never was one since the boot", {
  skip: await Deno.connect({ transport: "unix", path: system.address }).then(
    () => "a containerd runs here",
    () => undefined,
  ),
}, async () => {
  assert.deepEqual(await chosen({}), { ...shims, origin: "alone" });
});

test("a status file that makes no sense leaves the socket to speak", async () => {
  assert.deepEqual(await chosen({ "status.json": "{" }, "--runtime", "containerd"), system);
  assert.deepEqual(await chosen({ "status.json": "[]", "containerd.sock": "" }), {
    ...own,
    address: "STATE/containerd.sock",
  });
});
