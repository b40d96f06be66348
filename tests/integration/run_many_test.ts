/** Many containers: one after the other, side by side, and with gantry killed at any moment. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { testRuntime } from "../support/test_runtime.ts";

const onShims = testRuntime === "shim";
/** How many in a row; CI takes fewer. */
const runs = Number(Deno.env.get("GANTRY_TEST_RUNS") ?? 100);

gantryTest(
  "D05 runs in a row and side by side leave nothing",
  { versions: ["1.7"], timeoutMs: 300_000 },
  async (gantry) => {
    for (let i = 0; i < (onShims ? runs : 20); i++) {
      const { code, out } = await gantry.run(sh(`echo ${i}; exit ${i % 7}`));
      assert.deepEqual([code, out], [i % 7, `${i}\n`]);
    }
    await gantry.assertEmpty();
    const parallel = await Promise.all(
      Array.from({ length: 20 }, (_, i) => gantry.run(sh(`echo ${i}; exit ${i % 7}`))),
    );
    assert.deepEqual(parallel.map(({ code, out }) => [code, out]), parallel.map((_, i) => [i % 7, `${i}\n`]));
    await gantry.assertEmpty(15_000);
  },
);

/** What is killed, after a container `box` has been made; each leaves at most one container of its own. */
const commands: readonly (readonly string[])[] = [
  ["run", "--rm"],
  ["run", "-d"],
  ["create"],
  ["start"],
  ["exec"],
  ["rm"],
];

const points = Number(Deno.env.get("GANTRY_TEST_KILL_POINTS") ?? 24);
const seed = Number(Deno.env.get("GANTRY_TEST_SEED") ?? Date.now() % 100_000);

gantryTest(
  `D02 kill -9 of gantry at ${points} random points of its commands leaves what can be managed, or nothing`,
  { timeoutMs: 600_000, skip: onShims ? undefined : "containerd's own kill points are in run_left_alone_test" },
  async (gantry) => {
    console.log(`seed ${seed}`);
    const random = generator(seed);
    for (let point = 0; point < points; point++) {
      const verb = commands[point % commands.length] ?? [];
      const delayMs = 20 + random() * 160;
      const what = `${verb.join(" ")} killed after ${delayMs.toFixed(0)} ms (seed ${seed})`;
      await killed(gantry, verb, delayMs);
      await manageable(gantry, what);
      for (const id of await listed(gantry)) await succeeds(gantry, ["rm", "-f", id], what);
      // The next one clears away what the dead one was making.
      const next = await gantry.run(sh("exit 3"));
      assert.equal(next.code, 3, `${what}: ${next.err}`);
      await succeeds(gantry, ["shim", "gc"], what);
      await eventually(async () => (await gantry.remains()).length === 0, { what: "no remains" }).catch(async () => {
        assert.deepEqual(await gantry.remains(), [], what);
      });
    }
  },
);

/** Makes what a command needs, starts it, and kills it. */
async function killed(gantry: GantryInstance, verb: readonly string[], delayMs: number): Promise<void> {
  const [name = ""] = verb;
  const script = sh("while :; do sleep 1; done");
  if (name === "start") await succeeds(gantry, ["create", "--name", "box", "--rootfs", gantry.rootfs, ...script], name);
  if (name === "exec" || name === "rm") {
    await succeeds(gantry, ["run", "-d", "--name", "box", "--rootfs", gantry.rootfs, ...script], name);
  }
  const args = name === "run" || name === "create"
    ? [...verb, "--rootfs", gantry.rootfs, ...(verb.includes("--rm") ? sh("echo hi") : script)]
    : name === "exec"
    ? ["exec", "box", ...sh("echo hi").slice(1)]
    : name === "rm"
    ? ["rm", "-f", "box"]
    : ["start", "box"];
  await using program = gantry.start(args);
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  program.signal("SIGKILL");
  await program.ended();
}

/** All that `ps` shows can be inspected, and what runs runs. */
async function manageable(gantry: GantryInstance, what: string): Promise<void> {
  for (const id of await listed(gantry)) {
    const { out } = await succeeds(gantry, ["inspect", "--format", "{{.State.Status}}", id], what);
    assert.match(out, /^(created|running|exited)\n$/, what);
    if (out === "running\n") await succeeds(gantry, ["exec", id, "/bin/true"], what);
  }
}

async function listed(gantry: GantryInstance): Promise<readonly string[]> {
  const { out } = await succeeds(gantry, ["ps", "-aq", "--no-trunc"], "ps");
  return out.split("\n").filter((id) => id !== "");
}

async function succeeds(
  gantry: GantryInstance,
  args: readonly string[],
  what: string,
): Promise<{ readonly out: string }> {
  const { code, out, err } = await gantry.gantry(args);
  assert.equal(code, 0, `${what}: gantry ${args.join(" ")}: ${err}`);
  return { out };
}

/** Numbers in [0, 1), the same for the same seed (a linear congruential generator). */
function generator(start: number): () => number {
  let state = start % 2147483647 + 1;
  return () => {
    state = state * 48271 % 2147483647;
    return state / 2147483647;
  };
}
