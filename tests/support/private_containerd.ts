/** A containerd of one version that belongs to a test: own directories, own sockets, own port for metrics. */
import { type ContainerdVersion, prefixDir } from "./versions.ts";
import { eventually } from "./eventually.ts";

/** What it does without: CRI and its like, under the ids of every version, and snapshotters that need a device or a module. */
const disabledPlugins: readonly string[] = [
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.grpc.v1.cri",
  "io.containerd.grpc.v1.sandbox-controllers",
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart",
  "io.containerd.monitor.container.v1.restart",
  "io.containerd.nri.v1.nri",
  "io.containerd.podsandbox.controller.v1.podsandbox",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
];

/** A containerd as tests use it, whoever started it. */
export interface TestContainerd extends AsyncDisposable {
  readonly version: ContainerdVersion;
  /** Its socket. */
  readonly address: string;
  /** Directory of its bundles. */
  readonly tasks: string;
  /** Where runc keeps what it knows of containers, in a folder for each namespace. */
  readonly runcRoot: string;
  /** Where its output goes. */
  readonly logPath: string;
  /** Pid of the one that runs now. */
  readonly pid: number;
  /** Pids that belong to it, and are no remains of containers. */
  readonly pids: readonly number[];
  /** Starts it and waits until its socket answers. */
  start(): Promise<void>;
  /** What it has written so far. */
  log(): Promise<string>;
  /** Sends a signal to it. */
  signal(name: Deno.Signal): void;
  /** Ends it with `name` and waits until it is gone. Its containers go on. */
  end(name?: Deno.Signal): Promise<void>;
  /** RPCs it has been asked since it started, by `service/Method`; without health and the like. */
  rpcCounts(): Promise<ReadonlyMap<string, number>>;
}

/** Runs one containerd after the other on the same directories. */
export class PrivateContainerd implements TestContainerd {
  readonly version: ContainerdVersion;
  readonly address: string;
  readonly tasks: string;
  readonly runcRoot = "/run/containerd/runc";
  /** `host:port` of its metrics. */
  readonly metricsAddress: string;
  readonly #directory: string;
  #child: Deno.ChildProcess | undefined;

  constructor(version: ContainerdVersion, directory: string) {
    this.version = version;
    this.#directory = directory;
    this.address = `${directory}/c.sock`;
    this.tasks = `${directory}/cs/io.containerd.runtime.v2.task`;
    this.metricsAddress = freeAddress();
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error("containerd does not run");
    return this.#child.pid;
  }

  get pids(): readonly number[] {
    return this.#child === undefined ? [] : [this.#child.pid];
  }

  async start(): Promise<void> {
    const config = `${this.#directory}/containerd.toml`;
    await Deno.writeTextFile(config, this.#config());
    this.#child = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" >>"$0" 2>&1', this.logPath, this.version.containerd, "--config", config],
      // The shims find CRIU by it: that of the prefix comes before the host's, which may be too old for the kernel.
      env: { PATH: `${this.version.bin}:${prefixDir}/criu/bin:${Deno.env.get("PATH") ?? ""}` },
      stdin: "null",
      detached: true,
    }).spawn();
    let ended = false;
    this.#child.status.then(() => ended = true);
    await eventually(async () => {
      if (ended) throw new Error(`containerd ended at its start:\n${await this.log()}`);
      return await accepts(this.address);
    }, { what: `containerd ${this.version.label} at ${this.address}`, everyMs: 10 });
  }

  get logPath(): string {
    return `${this.#directory}/containerd.log`;
  }

  async log(): Promise<string> {
    return await Deno.readTextFile(this.logPath).catch(() => "");
  }

  signal(name: Deno.Signal): void {
    Deno.kill(this.pid, name);
  }

  async end(name: Deno.Signal = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    Deno.kill(child.pid, name);
    // A stopped one would not notice.
    if (name !== "SIGKILL") Deno.kill(child.pid, "SIGCONT");
    await child.status;
  }

  async rpcCounts(): Promise<ReadonlyMap<string, number>> {
    return await readRpcCounts(this.metricsAddress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #config(): string {
    return [
      "version = 2",
      `root = "${this.#directory}/cr"`,
      `state = "${this.#directory}/cs"`,
      `disabled_plugins = ${JSON.stringify(disabledPlugins)}`,
      `[grpc]\naddress = "${this.address}"`,
      `[ttrpc]\naddress = "${this.address}.ttrpc"`,
      `[metrics]\naddress = "${this.metricsAddress}"`,
    ].join("\n");
  }
}

/** Reads the counters of a containerd's gRPC server off its metrics. */
export async function readRpcCounts(metricsAddress: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://${metricsAddress}/v1/metrics`);
  const counts = new Map<string, number>();
  const line = /^grpc_server_started_total\{grpc_method="([^"]*)",grpc_service="([^"]*)",[^}]*\} (\d+)$/gm;
  for (const [, method = "", rpcs = "", count] of (await response.text()).matchAll(line)) {
    if (Number(count) > 0 && rpcs.startsWith("containerd.")) counts.set(`${rpcs}/${method}`, Number(count));
  }
  return counts;
}

/** A port nobody listens on at this moment, on the loopback. */
export function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

async function accepts(path: string): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
    return true;
  } catch {
    return false;
  }
}
