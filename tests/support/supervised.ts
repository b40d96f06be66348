/** What integration tests of the supervisor share: instances in directories of their own, gantry in a process of its own. */
import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import { readIdentity } from "../../lib/base/proc.ts";
import type { SupervisorOptions } from "../../lib/supervisor/options.ts";
import { stopInstance } from "../../lib/supervisor/stop_instance.ts";
import { waitForReady } from "../../lib/supervisor/wait_for_ready.ts";
import { type Place, place } from "../unit/supervisor/temporary.ts";
import { eventually } from "../unit/base/processes.ts";
import { assertNothingLeft, snapshot } from "./leftovers.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { firstReason, needsRoot, test } from "./test.ts";
import { type ContainerdVersion, containerdVersions } from "./versions.ts";

loadLibc();
// Loaded inside a test, gRPC's modules would count as its open files.
await import("../../lib/rpc/grpc_transport.ts");

/** What a test gets: a place for an instance, and the containerd to run in it. */
export interface Instance extends Place {
  readonly version: ContainerdVersion;
  /** Runs `ctr` against the instance's socket and gives its output. Fails unless it exits with 0. */
  ctr(...args: readonly string[]): Promise<string>;
  /** Starts a container that sleeps, and gives the pid of its process. It is ended with the test. */
  container(id: string): Promise<number>;
}

/** Registers a test that gets an instance on each generation of containerd, and must leave nothing behind. */
export function onEachContainerd(
  name: string,
  options: Partial<SupervisorOptions>,
  body: (instance: Instance) => Promise<void>,
): void {
  for (const version of containerdVersions()) {
    onContainerd(`${name} (containerd ${version.label})`, { version, ...options }, body);
  }
}

/** Registers such a test on one generation. */
export function onContainerd(
  name: string,
  { version, ...options }: Partial<SupervisorOptions> & { readonly version: ContainerdVersion },
  body: (instance: Instance) => Promise<void>,
): void {
  test(name, { skip: firstReason(needsRoot(), version.skip) }, async () => {
    await withInstance({ version, ...options }, body);
  });
}

async function withInstance(
  { version, ...options }: Partial<SupervisorOptions> & { readonly version: ContainerdVersion },
  body: (instance: Instance) => Promise<void>,
): Promise<void> {
  await using made = await place({ containerd: version.containerd, startTimeoutMs: 20_000, ...options });
  const before = await snapshot({ scope: made.path });
  const containers: string[] = [];
  const ctr = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await new Deno.Command(version.ctr, {
      args: ["-a", made.paths.address, ...args],
      stdin: "null",
    }).output();
    assert.equal(code, 0, `ctr ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  };
  const instance: Instance = {
    ...made,
    version,
    ctr,
    async container(id) {
      const rootfs = `${made.path}/rootfs`;
      await busyboxRootfs(rootfs);
      containers.push(id);
      await ctr("run", "-d", "--rootfs", rootfs, id, "/bin/sleep", "1000");
      const line = (await ctr("task", "ls")).split("\n").find((text) => text.startsWith(`${id} `));
      return Number(line?.trim().split(/\s+/)[1]);
    },
  };
  try {
    await body(instance);
  } finally {
    await stopInstance({ ...made.options, stopTimeoutMs: 5000 });
    if (containers.length > 0) await removeContainers(instance, containers);
  }
  await assertNothingLeft(before);
}

/** Containers outlive their supervisor; they are removed by a containerd that is started for it. */
async function removeContainers(instance: Instance, ids: readonly string[]): Promise<void> {
  const { options, version } = instance;
  const gantry = await supervise({ ...options, containerd: version.containerd });
  for (const id of ids) {
    await instance.ctr("task", "rm", "-f", id).catch(() => {});
    await instance.ctr("container", "rm", id).catch(() => {});
  }
  await gantry.stop();
}

/** A supervisor in a process of its own. */
export interface SupervisorProcess {
  readonly pid: number;
  /** How the process ended, with what it wrote to stderr. */
  readonly ended: Promise<{ readonly code: number; readonly signal: Deno.Signal | null; readonly stderr: string }>;
  kill(signal: Deno.Signal): void;
  /** SIGTERM, and the wait for its end; fails unless it exits with 0. */
  stop(): Promise<void>;
}

/** Options of {@link supervise}. */
export interface SuperviseOptions {
  /** Waits until it serves, and fails when it does not; default true. */
  readonly waits?: boolean | undefined;
  readonly env?: Record<string, string> | undefined;
}

/** Runs a supervisor in a process of its own. */
export async function supervise(options: SupervisorOptions, how: SuperviseOptions = {}): Promise<SupervisorProcess> {
  const { waits = true, env = {} } = how;
  const script = new URL("./fakes/supervise.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, JSON.stringify(options)],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  const ended = child.status.then(async ({ code, signal }) => ({ code, signal, stderr: await stderr }));
  const gantry: SupervisorProcess = {
    pid: child.pid,
    ended,
    kill: (signal) => child.kill(signal),
    async stop() {
      child.kill("SIGTERM");
      const { code, stderr } = await ended;
      assert.equal(code, 0, stderr);
    },
  };
  if (!waits) return gantry;
  const result = await waitForReady({ ...options, pid: child.pid });
  if (!result.ready) assert.fail(`it does not serve: ${result.report ?? (await ended).stderr}`);
  return gantry;
}

/** Kills a process with SIGKILL and waits until it is gone. */
export async function killHard(pid: number): Promise<void> {
  Deno.kill(pid, "SIGKILL");
  await eventually(async () => await readIdentity(pid) === undefined);
}

/** True while there is such a process that is no zombie. */
export async function lives(pid: number): Promise<boolean> {
  return await readIdentity(pid) !== undefined;
}
