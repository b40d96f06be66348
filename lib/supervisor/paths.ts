import { GantryError } from "../base/errors.ts";

/** What names an instance: the state directory does, the others say where its parts are. */
export interface InstanceLocation {
  /** Absolute. */
  readonly root: string;
  /** Absolute. */
  readonly state: string;
  /** containerd's gRPC socket; default `containerd.sock` in the state directory. */
  readonly address?: string | undefined;
}

/** Every file and directory of an instance, as absolute paths. */
export interface InstancePaths {
  readonly root: string;
  readonly state: string;
  /** containerd's gRPC socket. */
  readonly address: string;
  /** The socket on which shims report to containerd. containerd would put it there itself; we say so explicitly. */
  readonly ttrpcAddress: string;
  /** containerd's configuration, written at every start. */
  readonly config: string;
  /** containerd's pid in decimal. */
  readonly pidfile: string;
  /** Who the process of the pidfile is, as JSON. */
  readonly identity: string;
  /** What the supervisor last said about itself, as JSON. */
  readonly status: string;
  /** Held by the one supervisor of this state directory. */
  readonly lock: string;
  readonly logDirectory: string;
  /** What containerd writes to stdout and stderr. */
  readonly log: string;
  /** containerd's own root. */
  readonly containerdRoot: string;
  /** containerd's own state. */
  readonly containerdState: string;
  /** containerd's temporary files: private, because their names can be guessed. */
  readonly containerdTemp: string;
}

/**
 * sun_path holds 108 bytes and a NUL; Go and the shims refuse more than 104 to 107, depending on version. 104 is safe
 * everywhere.
 */
const maxSocketBytes = 104;

/** Where everything of an instance is. A socket path that is too long or not absolute is `invalid_argument`. */
export function instancePaths(location: InstanceLocation): InstancePaths {
  const root = withoutSlash(location.root);
  const state = withoutSlash(location.state);
  const address = socketPath(location.address ?? `${state}/containerd.sock`);
  const ttrpcAddress = `${address}.ttrpc`;
  checkSocketLength(address);
  checkSocketLength(ttrpcAddress);
  const logDirectory = `${root}/log`;
  return {
    root,
    state,
    address,
    ttrpcAddress,
    config: `${state}/containerd.toml`,
    pidfile: `${state}/containerd.pid`,
    identity: `${state}/containerd.pid.json`,
    status: `${state}/status.json`,
    lock: `${state}/supervisor.lock`,
    logDirectory,
    log: `${logDirectory}/containerd.log`,
    containerdRoot: `${root}/containerd`,
    containerdState: `${state}/containerd`,
    containerdTemp: `${root}/containerd-tmp`,
  };
}

function socketPath(address: string): string {
  const path = address.startsWith("unix://") ? address.slice("unix://".length) : address;
  if (path.startsWith("/") && !path.includes("\0") && !path.endsWith("/")) return path;
  throw new GantryError("invalid_argument", `address ${JSON.stringify(address)} is not the path of a unix socket`, {
    hint: "give an absolute path such as /run/gantry/containerd.sock",
  });
}

function checkSocketLength(path: string): void {
  const length = new TextEncoder().encode(path).length;
  if (length <= maxSocketBytes) return;
  throw new GantryError(
    "invalid_argument",
    `the socket path ${path} is ${length} bytes long; at most ${maxSocketBytes} work`,
    { hint: "choose a shorter state directory (--state) or address (--address)" },
  );
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}
