/** What tests of shims do with containers, step by step. */
import assert from "node:assert/strict";
import { processState, signalProcess } from "../../lib/base/proc.ts";
import { shimsBelow } from "../../lib/shim/shim_process.ts";
import type { ShimTasks } from "../../lib/shim/shim_tasks.ts";
import type { ExitStatus } from "../../lib/wire/task.ts";
import { eventually } from "../support/eventually.ts";
import { noStdio, type ShimSetting } from "./shim_setting.ts";

/** A script that does not end by itself. */
export const forever = "exec sleep 1000";
const rootfsOf = ({ directory }: ShimSetting): { type: string; source: string; options: string[] } => ({
  type: "bind",
  source: `${directory}/rootfs`,
  options: ["rbind", "rw"],
});

/** Creates and starts a container. */
export async function run(setting: ShimSetting, tasks: ShimTasks, script: string): Promise<string> {
  const containerId = await setting.define(script);
  await tasks.create({ containerId, rootfs: [rootfsOf(setting)], stdio: noStdio });
  await tasks.start({ containerId });
  return containerId;
}

/** Signals the one shim of a container; one that is killed is gone then. */
export async function signalShim(setting: ShimSetting, id: string, signal: string): Promise<void> {
  const shims = (await shimsBelow(setting.root)).filter((shim) => shim.id === id);
  assert.equal(shims.length, 1);
  for (const { identity } of shims) {
    assert.equal(await signalProcess(identity, signal), true);
    if (signal === "KILL") await eventually(() => isGone(identity.pid), { what: "the shim's end" });
  }
}

/** Whether a process has ended, reaped or not. */
export function isGone(pid: number): boolean {
  return /^[ZX]?$/.test(processState(pid) ?? "");
}

/** Everything that a container is outside of its bundle. */
export async function traces(setting: ShimSetting, id: string): Promise<readonly string[]> {
  const state = `/run/containerd/runc/${setting.namespace}/${id}`;
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n").filter((line) => line.includes(id));
  const hasState = await Deno.lstat(state).then(() => true, () => false);
  return [...await setting.cgroups(id), ...mounts, ...hasState ? [state] : []];
}

/** Kills, waits and deletes. */
export async function remove(tasks: ShimTasks, containerId: string): Promise<ExitStatus> {
  await tasks.kill({ containerId }, { signal: 9 }).catch(() => {});
  await tasks.wait({ containerId });
  return await tasks.delete({ containerId });
}

/** Has a process of its own run a container from create to delete, and kills it on the way. */
export async function killWorker(
  setting: ShimSetting,
  id: string,
  { way, afterMs }: { readonly way: "direct" | "start"; readonly afterMs: number },
): Promise<void> {
  const { root, namespace } = setting;
  const contents = { [id]: setting.content(id) };
  const settings = JSON.stringify({ root, namespace, path: Deno.env.get("PATH"), way, contents });
  const program = new URL("shim_worker.ts", import.meta.url).pathname;
  const worker = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, settings],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = worker.stdout.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  try {
    worker.kill("SIGKILL");
  } catch {
    // It was faster.
  }
  await worker.status;
  await reader.cancel();
}
