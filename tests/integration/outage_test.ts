import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";

/** What all but one of them are about. */
const about = { needs: "containerd" } as const;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

gantryTest(
  "S12 run goes on through a kill -9 of containerd, with the same process and the right exit code",
  about,
  async (gantry) => {
    await using program = gantry.startRun(["--rm", ...sh("echo before; sleep 3; echo after; exit 42")]);
    await program.untilOut(/before/);
    const { pid } = await gantry.onlyRunning();
    await gantry.containerd.end("SIGKILL");
    await gantry.containerd.start();
    assert.equal((await gantry.onlyRunning()).pid, pid);
    const end = await program.ended();
    assert.deepEqual([end.code, end.out, end.err], [42, "before\nafter\n", ""]);
  },
);

gantryTest("S12 an exit during an outage of containerd is told with its real code", about, async (gantry) => {
  await using program = gantry.startRun(["--rm", ...sh("echo before; sleep 2; echo after; exit 42")]);
  await program.untilOut(/before/);
  const { pid } = await gantry.onlyRunning();
  await gantry.containerd.end("SIGKILL");
  await eventually(async () => !await Deno.stat(`/proc/${pid}`).then(() => true, () => false), { what: "its end" });
  await gantry.containerd.start();
  const end = await program.ended();
  assert.deepEqual([end.code, end.out, end.err], [42, "before\nafter\n", ""]);
});

gantryTest("a containerd that is stopped by TERM and comes back is an outage like any other", about, async (gantry) => {
  await using program = gantry.startRun(["--rm", ...sh("echo before; sleep 3; exit 42")]);
  await program.untilOut(/before/);
  await gantry.containerd.end("SIGTERM");
  await gantry.containerd.start();
  assert.equal((await program.ended()).code, 42);
});

gantryTest("a containerd that hangs for a while holds run up and harms nothing", about, async (gantry) => {
  await using program = gantry.startRun(["--rm", ...sh("echo before; sleep 1; exit 42")]);
  await program.untilOut(/before/);
  await gantry.untilStarted();
  gantry.containerd.signal("SIGSTOP");
  await pause(3000);
  assert.ok(program.running);
  gantry.containerd.signal("SIGCONT");
  assert.equal((await program.ended()).code, 42);
});

gantryTest("a shim that is killed ends run with 137 or 255, never with success", {}, async (gantry) => {
  await using program = gantry.startRun(["--name", "shot", ...sh("echo before; sleep 100")]);
  await program.untilOut(/before/);
  const { id } = await gantry.onlyRunning();
  Deno.kill(await gantry.shimOf(id), "SIGKILL");
  const end = await program.ended();
  assert.ok([137, 255].includes(end.code), `${end.code} ${end.err}`);
  assert.equal((await gantry.gantry(["rm", "-f", "shot"])).code, 0);
});

gantryTest("a container that cannot be removed because containerd is gone for good still has its exit code told", {
  ...about,
  versions: ["1.7"],
  timeoutMs: 240_000,
}, async (gantry) => {
  await using program = gantry.startRun(["--name", "left", ...sh("echo before; sleep 1; exit 42")]);
  await program.untilOut(/before/);
  await gantry.untilStarted();
  await gantry.containerd.end("SIGKILL");
  const end = await program.ended(100_000);
  assert.equal(end.code, 42, end.err);
  await gantry.containerd.start();
  assert.equal((await gantry.gantry(["rm", "-f", "left"])).code, 0);
});
