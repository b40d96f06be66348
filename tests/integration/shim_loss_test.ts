import assert from "node:assert/strict";
import { gantryTest, sh } from "../support/gantry.ts";

const lost = /^gantry: how container shot ended is not known: code 255 is a guess\n$/;

for (const way of ["killed", "killed in an outage", "stopped in an outage"] as const) {
  gantryTest(
    `E03 a shim that is ${way} ends run with 255, said to be a guess`,
    { timeoutMs: 60_000 },
    async (gantry) => {
      await using program = gantry.startRun(["--name", "shot", ...sh("echo before; sleep 1000")]);
      await program.untilOut(/before/);
      const { id } = await gantry.onlyRunning();
      const shim = await gantry.shimOf(id);
      const signal = way === "stopped in an outage" ? "SIGSTOP" : "SIGKILL";
      if (way === "killed") Deno.kill(shim, signal);
      else {
        await gantry.containerd.end("SIGKILL");
        Deno.kill(shim, signal);
        // 2.x takes a shim that does not answer for 5 s as dead.
        await gantry.containerd.start();
      }
      const end = await program.ended(30_000);
      assert.deepEqual([end.code, end.out], [255, "before\n"]);
      assert.match(end.err, lost);
      if (signal === "SIGSTOP") Deno.kill(shim, "SIGKILL");
      assert.equal((await gantry.gantry(["rm", "-f", "shot"])).code, 0);
    },
  );
}
