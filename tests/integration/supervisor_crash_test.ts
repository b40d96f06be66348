import assert from "node:assert/strict";
import { readIdentity } from "../../lib/base/proc.ts";
import { readStatus } from "../../lib/supervisor/read_status.ts";
import { Supervisor } from "../../lib/supervisor/supervisor.ts";
import { waitForReady } from "../../lib/supervisor/wait_for_ready.ts";
import { writeFake } from "../support/fakes/fake_containerd.ts";
import { onContainerd, supervise } from "../support/supervised.ts";
import { containerdVersion } from "../support/versions.ts";
import { eventually } from "../unit/base/processes.ts";

const v17 = containerdVersion("1.7");

onContainerd(
  "S10 gantry may be killed at any moment of a start: there is never a second containerd",
  { version: v17 },
  async (it) => {
    for (let round = 0; round < 14; round++) {
      const gantry = await supervise(it.options, { waits: false });
      await new Promise((resolve) => setTimeout(resolve, 120 + round * 25));
      gantry.kill("SIGKILL");
      await gantry.ended;
      assert.ok(containerds(it.paths.config).length <= 1, `round ${round}`);
    }
    await using supervisor = await Supervisor.open(it.options);
    const { containerdPid } = await supervisor.start();
    assert.deepEqual(containerds(it.paths.config), [containerdPid]);
  },
);

onContainerd("S10 gantry may be killed while it restarts containerd", { version: v17, stableMs: 0 }, async (it) => {
  for (let round = 0; round < 8; round++) {
    const gantry = await supervise(it.options);
    const { containerdPid = 0 } = await readStatus(it.options);
    Deno.kill(containerdPid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, round * 7));
    gantry.kill("SIGKILL");
    await gantry.ended;
    assert.ok(containerds(it.paths.config).length <= 1, `round ${round}`);
  }
  await using supervisor = await Supervisor.open(it.options);
  const { containerdPid } = await supervisor.start();
  assert.deepEqual(containerds(it.paths.config), [containerdPid]);
});

onContainerd(
  "a start in another process that fails leaves its report for whoever waits",
  { version: v17 },
  async (it) => {
    const containerd = await writeFake(`${it.path}/fake`, { body: "echo some last words; exit 9" });
    const gantry = await supervise({ ...it.options, containerd }, { waits: false });
    const result = await waitForReady({ ...it.options, pid: gantry.pid });
    assert.ok(!result.ready);
    assert.match(result.report ?? "", /containerd did not start: it ended with exit code 9[^]*some last words/);
    assert.equal((await gantry.ended).code, 1);
    const status = await readStatus(it.options);
    assert.deepEqual([status.state, status.lastFailure?.reason], ["down", "it ended with exit code 9"]);
  },
);

onContainerd("a start in another process that is killed is told from one that fails", { version: v17 }, async (it) => {
  const containerd = await writeFake(`${it.path}/fake`, { body: "sleep 0.5; exit 0" });
  const gantry = await supervise({ ...it.options, containerd }, { waits: false });
  await eventually(async () => (await readStatus(it.options)).state === "starting");
  const waiting = waitForReady({ ...it.options, pid: gantry.pid });
  gantry.kill("SIGKILL");
  assert.deepEqual(await waiting, { ready: false, report: undefined });
  await gantry.ended;
  assert.equal(await readIdentity(gantry.pid), undefined);
});

/** The processes that run with this configuration, zombies aside. */
function containerds(config: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      if (!pid || /\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`))) return false;
      const args = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
      return args.at(-2) === config && args.at(-3) === "--config" && !args[0]?.endsWith("sh");
    } catch {
      return false;
    }
  });
}
