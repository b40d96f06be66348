import { GantryError } from "./errors.ts";
import { closeFd } from "./libc_files.ts";
import { check, rareLibc } from "./libc.ts";

/** Who is at the other end of a Unix stream socket, as the kernel noted at connect. */
export interface PeerCredentials {
  /** 0 when the peer lives in another pid namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** sun_path of sockaddr_un is 108 bytes, the last of them a NUL for names in the filesystem. */
const maxPathBytes = 107;

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;

/**
 * Sends one datagram to a Unix socket, as sd_notify(3) does; a name that starts with `@` is in the abstract namespace.
 * Never waits: `unavailable` when nobody listens or the receiver's queue is full.
 */
export function sendDatagram(socketPath: string, text: string): void {
  const attempt = `send to the socket ${socketPath}`;
  const address = unixAddress(socketPath);
  const data = new TextEncoder().encode(text);
  const fd = check(rareLibc().socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), attempt);
  try {
    check(rareLibc().sendto(fd, data, BigInt(data.length), MSG_DONTWAIT_NOSIGNAL, address, address.length), attempt);
  } finally {
    closeFd(fd);
  }
}

/** SO_PEERCRED of a connected Unix stream socket. */
export function peerCredentials(fd: number): PeerCredentials {
  const credentials = new Uint32Array(3);
  const length = Uint32Array.of(credentials.byteLength);
  check(
    rareLibc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length),
    `read the peer of descriptor ${fd}`,
  );
  const [pid = 0, uid = 0, gid = 0] = credentials;
  return { pid, uid, gid };
}

/** The uid of {@link peerCredentials}. */
export function peerUid(fd: number): number {
  return peerCredentials(fd).uid;
}

/**
 * The address that the accepted socket `fd` came in on: a path, or `@NAME` for an abstract one. Undefined when `fd` is
 * a listener, a client's end (those have no name), or no Unix socket.
 */
export function acceptedOn(fd: number): string | undefined {
  const value = new Int32Array(1);
  const valueLength = Uint32Array.of(value.byteLength);
  check(rareLibc().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, valueLength), `inspect descriptor ${fd}`);
  if (value[0] !== 0) return undefined;
  const address = new Uint8Array(2 + maxPathBytes + 1);
  const length = Uint32Array.of(address.length);
  check(rareLibc().getsockname(fd, address, length), `read the name of descriptor ${fd}`);
  return nameOf(address, length[0]);
}

/**
 * A descriptor of this process that is connected to the Unix listener at `path`, as that calls itself; undefined when there
 * is none. Deno tells nobody the descriptor of a connection.
 */
export function connectedTo(path: string): number | undefined {
  const address = new Uint8Array(2 + maxPathBytes + 1);
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const length = Uint32Array.of(address.length);
    // A failure is of what is no socket, or is not connected.
    const failed = rareLibc().getpeername(Number(name), address, length) === -1;
    if (!failed && nameOf(address, length[0]) === path) return Number(name);
  }
  return undefined;
}

/** The name in a sockaddr; undefined for none, and for no Unix socket. */
function nameOf(address: Uint8Array, length = 0): string | undefined {
  if (address[0] !== AF_UNIX || address[1] !== 0 || length <= 2) return undefined;
  const name = new TextDecoder().decode(address.subarray(2, length));
  return name.startsWith("\0") ? `@${name.slice(1)}` : name.replace(/\0.*$/s, "");
}

function unixAddress(name: string): Uint8Array<ArrayBuffer> {
  const abstract = name.startsWith("@");
  if ((!abstract && !name.startsWith("/")) || name.length < 2 || name.includes("\0")) {
    throw new GantryError(
      "invalid_argument",
      `${JSON.stringify(name)} is not the name of a Unix socket`,
      { hint: "give an absolute path, or @NAME for an abstract one" },
    );
  }
  // An abstract name has a NUL in place of the @ and ends with the address; one in the filesystem ends with a NUL.
  const path = new TextEncoder().encode(abstract ? `\0${name.slice(1)}` : `${name}\0`);
  const bytes = abstract ? path.length : path.length - 1;
  if (bytes > maxPathBytes) {
    throw new GantryError("invalid_argument", `the socket name ${name} is ${bytes} bytes long, over ${maxPathBytes}`);
  }
  const address = new Uint8Array(2 + path.length);
  // sa_family_t is a native short; every Linux that Deno supports is little-endian.
  address[0] = AF_UNIX;
  address.set(path, 2);
  return address;
}
