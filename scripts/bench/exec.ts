/** A further process in a running container, against ctr: as a command, and in one process with a warm channel. */
import { connectContainerd } from "../../lib/engine/connect.ts";
import { runExec } from "../../lib/engine/run_exec.ts";
import type { Engine } from "../../lib/engine/engine.ts";
import { containerdVersion } from "../../tests/support/versions.ts";
import { rootfsIn } from "./life.ts";
import { processContender } from "./measure.ts";
import { expectSuccess, gantry, instanceFlags, type Supervised } from "./peers.ts";
import { compare, countRpcs, quick } from "./report.ts";

const { ctr } = containerdVersion("1.6");

/** exec of /bin/true. */
export async function execs(ours: Supervised, directory: string): Promise<void> {
  const where = instanceFlags(`${directory}/g`);
  const rootfs = await rootfsIn(directory);
  const started = await expectSuccess(gantry, ["run", ...where, "-d", "--rootfs", rootfs, "--", "sleep", "100000"]);
  const id = started.trim();
  try {
    await using engine = await connectContainerd({
      address: ours.address,
      instance: { root: `${directory}/g/root`, state: `${directory}/g/state` },
    });
    let number = 0;
    const exec = () => ["exec", ...where, id, "/bin/true"];
    const peer = () => ["-a", ours.address, "tasks", "exec", "--exec-id", `e${number++}`, id, "/bin/true"];
    await compare("exec", {
      title: "exec /bin/true in a running container",
      contenders: [
        { name: "gantry's library, warm channel", run: () => timeExec(engine, id) },
        processContender("gantry exec", gantry, exec),
        processContender("ctr tasks exec", ctr, peer),
      ],
      rounds: quick ? 5 : 25,
    });
    await countRpcs("exec", ours, [
      ["gantry exec", () => expectSuccess(gantry, exec())],
      ["ctr tasks exec", () => expectSuccess(ctr, peer())],
    ]);
    await countRpcs("kill", ours, [
      ["gantry kill -s CONT", () => expectSuccess(gantry, ["kill", ...where, "-s", "CONT", id])],
      ["ctr tasks kill -s CONT", () => expectSuccess(ctr, ["-a", ours.address, "tasks", "kill", "-s", "SIGCONT", id])],
    ]);
  } finally {
    await expectSuccess(gantry, ["rm", ...where, "-f", id]);
  }
}

async function timeExec(engine: Engine, id: string): Promise<number> {
  const before = performance.now();
  const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
  const request = { command: ["/bin/true"], env: [], tty: false };
  const end = await runExec(engine, id, request, { streams: { stdout: nowhere, stderr: nowhere } });
  const ms = performance.now() - before;
  if (end.kind !== "exited" || end.exit.code !== 0) throw new Error(`the exec ended as ${JSON.stringify(end)}`);
  return ms;
}
