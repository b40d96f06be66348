import { removeIfExists } from "../base/atomic_file.ts";
import type { Clock } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";
import type { PluginReport } from "./config_plugins.ts";

/** Limits of one question. */
export interface ProbeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly deadlineMs: number;
}

/** What the supervisor asks containerd. Each question fails with a GantryError when there is no answer. */
export interface ContainerdProbe {
  /** True when the health service says SERVING. */
  isServing(options: ProbeOptions): Promise<boolean>;
  version(options: ProbeOptions): Promise<{ readonly version: string; readonly revision: string }>;
  plugins(options: ProbeOptions): Promise<readonly PluginReport[]>;
  close(): void;
}

/**
 * Loads what {@link connectProbe} needs. gRPC costs a process 50 to 200 ms that most commands need not pay; a supervisor
 * pays while containerd starts.
 */
export function loadProbe(): Promise<ProbeModules> {
  return Promise.all([
    import("../rpc/grpc_transport.ts"),
    import("../containerd/health.ts"),
    import("../containerd/version.ts"),
    import("../containerd/introspection.ts"),
  ]);
}

type ProbeModules = readonly [
  typeof import("../rpc/grpc_transport.ts"),
  typeof import("../containerd/health.ts"),
  typeof import("../containerd/version.ts"),
  typeof import("../containerd/introspection.ts"),
];

/** The real one. */
export async function connectProbe(address: string): Promise<ContainerdProbe> {
  const [{ connectGrpc }, { isServing }, { getVersion }, { listPlugins }] = await loadProbe();
  const transport = connectGrpc(address);
  return {
    isServing: (options) => isServing(transport, options),
    version: (options) => getVersion(transport, options),
    plugins: (options) => listPlugins(transport, options),
    close: () => transport.close(),
  };
}

/** Whether something listens at a path. */
export type SocketState = "missing" | "stale" | "listening" | "not_a_socket";

/** Looks at the socket at `path`; `stale` is one that a dead process has left. */
export async function socketState(path: string): Promise<SocketState> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (isSocket !== true) return "not_a_socket";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "missing";
    throw error;
  }
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
    return "listening";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "missing";
    // EAGAIN, a full backlog: somebody listens and is slow.
    return error instanceof Deno.errors.ConnectionRefused ? "stale" : "listening";
  }
}

/** A killed process holds its sockets until its last thread is gone, a moment after it is a zombie. */
const lingerMs = 500;
const lingerPollMs = 20;

/**
 * Removes the socket of a dead containerd. One that somebody goes on listening on, or a file of another kind, is
 * `failed_precondition`: it is not ours to remove.
 */
export async function removeStaleSocket(path: string, { clock }: { readonly clock: Clock }): Promise<void> {
  const end = clock.monotonic() + lingerMs;
  let state = await socketState(path);
  while (state === "listening" && clock.monotonic() < end) {
    await clock.sleep(lingerPollMs);
    state = await socketState(path);
  }
  if (state === "missing") return;
  if (state === "stale") return void await removeIfExists(path);
  throw new GantryError(
    "failed_precondition",
    state === "listening" ? `another process listens on ${path}` : `${path} is in the way: it is not a socket`,
    { hint: "stop what uses it, or choose another address with --address" },
  );
}
