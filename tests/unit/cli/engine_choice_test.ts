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
    const { stdout } = await transcript(["choose", "--state", state, ...argv], { commands });
    return JSON.parse(stdout.replaceAll(state, "STATE"));
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

const record = (state: string) => JSON.stringify({ supervisor: {}, status: { state, address: "/run/own.sock" } });
const system = { address: "/run/containerd/containerd.sock", origin: "system" };

test("an address that is given is taken", async () => {
  assert.deepEqual(await chosen({ "status.json": record("serving") }, "--address", "/a.sock"), {
    address: "/a.sock",
    origin: "given",
  });
});

test("the instance's containerd is taken while it is up, also while it is being restarted", async () => {
  for (const state of ["serving", "restarting", "failing"]) {
    assert.deepEqual(await chosen({ "status.json": record(state) }), { address: "/run/own.sock", origin: "instance" });
  }
});

test("the system's containerd is taken when the instance is down or was never up", async () => {
  assert.deepEqual(await chosen({ "status.json": record("down") }), system);
  assert.deepEqual(await chosen({}), system);
});

test("a status file that makes no sense leaves the socket to speak", async () => {
  assert.deepEqual(await chosen({ "status.json": "{" }), system);
  assert.deepEqual(await chosen({ "status.json": "[]", "containerd.sock": "" }), {
    address: "STATE/containerd.sock",
    origin: "instance",
  });
});
