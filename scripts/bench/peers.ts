/** What gantry is measured against, and gantry itself: real programs with directories of their own. */
import { getVersion } from "../../lib/containerd/version.ts";
import { connectGrpc } from "../../lib/rpc/grpc_transport.ts";
import { freeAddress, readRpcCounts } from "../../tests/support/private_containerd.ts";
import { containerdVersion, prefixDir, projectDir } from "../../tests/support/versions.ts";

/** Executable under test. */
export const gantry: string = Deno.env.get("GANTRY_BINARY") ?? `${projectDir}dist/gantry`;

/** A supervised containerd, ours or dockerd's. */
export interface Supervised extends AsyncDisposable {
  /** RPCs it has been asked so far, by `service/Method`; undefined where they are not counted. */
  rpcCounts?(): Promise<ReadonlyMap<string, number>>;
  readonly name: string;
  /** Socket of its containerd. */
  readonly address: string;
  /** Pid of its containerd now. */
  containerdPid(): Promise<number>;
  /** Pid of the supervisor. */
  readonly supervisorPid: number;
}

/** `gantry up` in directories of its own, over the host's containerd. */
export async function startGantry(directory: string): Promise<Supervised> {
  const where = instanceFlags(directory);
  const metrics = freeAddress();
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/extra.toml`, `[metrics]\naddress = "${metrics}"\n`);
  const { containerd } = containerdVersion("1.6");
  const up = ["up", "--detach", ...where, "--containerd", containerd, "--config-extra", `${directory}/extra.toml`];
  await expectSuccess(gantry, up);
  const status = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await expectSuccess(gantry, ["status", "--json", ...where]));
  const first = await status();
  return {
    name: "gantry up",
    address: String(first.address),
    supervisorPid: Number(first.supervisorPid),
    rpcCounts: () => readRpcCounts(metrics),
    containerdPid: async () => Number(await Deno.readTextFile(`${directory}/state/containerd.pid`).catch(() => 0)),
    [Symbol.asyncDispose]: async () => {
      await expectSuccess(gantry, ["down", ...where]);
    },
  };
}

/** The flags that name the instance in `directory`. */
export function instanceFlags(directory: string): readonly string[] {
  return ["--root", `${directory}/root`, "--state", `${directory}/state`];
}

/** dockerd 20.10 from Debian's docker.io, unpacked privately; undefined when it has not been. */
export async function startDockerd(directory: string): Promise<Supervised | undefined> {
  const program = `${prefixDir}/docker/usr/sbin/dockerd`;
  if (!await exists(program)) return undefined;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/daemon.json`, "{}");
  const state = `${directory}/exec`;
  const args = [
    `--config-file=${directory}/daemon.json`,
    `--data-root=${directory}/data`,
    `--exec-root=${state}`,
    `--pidfile=${directory}/docker.pid`,
    `--host=unix://${directory}/docker.sock`,
    "--iptables=false",
    "--ip6tables=false",
    "--bridge=none",
  ];
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", `${directory}/dockerd.log`, program, ...args],
    stdin: "null",
    detached: true,
    env: { PATH: `${prefixDir}/docker/usr/bin:${Deno.env.get("PATH")}` },
  }).spawn();
  const address = `${state}/containerd/containerd.sock`;
  await untilAnswers(address);
  return {
    name: "dockerd",
    address,
    supervisorPid: child.pid,
    containerdPid: async () => Number(await Deno.readTextFile(`${state}/containerd/containerd.pid`).catch(() => 0)),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

/** Milliseconds until the containerd at `address` answers Version; a new connection each time, every 2 ms. */
export async function untilAnswers(address: string, limitMs = 60_000): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < limitMs) {
    await using transport = connectGrpc(address);
    try {
      await getVersion(transport, { deadlineMs: 1000 });
      return performance.now() - start;
    } catch {
      await pause(2);
    }
  }
  throw new Error(`containerd at ${address} does not answer`);
}

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resident and proportional memory of a process, in KiB. */
export async function memoryOf(pid: number): Promise<{ readonly rss: number; readonly pss: number }> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  return { rss: field("Rss"), pss: field("Pss") };
}

/** stdout of a program that must succeed. */
export async function expectSuccess(program: string, args: readonly string[]): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" })
    .output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${code}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
