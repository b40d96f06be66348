import { GantryError } from "./errors.ts";
import { acceptedOn, type PeerCredentials, peerCredentials } from "./libc_socket.ts";

/**
 * Says who connected to one Unix listener of this process. Deno does not tell the descriptor of a connection, so the
 * socket that has appeared since the last look is searched in /proc/self/fd.
 *
 * Make it before the first accept, and call {@link UnixPeers.identify} after each `await listener.accept()`, with no
 * other accept of that listener pending: then exactly one socket is new.
 */
export class UnixPeers {
  readonly #socketPath: string;
  #seen: ReadonlySet<string> = new Set();

  /** `socketPath` as it was given to Deno.listen. */
  constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#seen = new Set(sockets().keys());
  }

  /**
   * The credentials of the connection accepted last. When it cannot be told for sure, e.g. because it is closed already,
   * that is `permission_denied`: close the connection.
   */
  identify(): PeerCredentials {
    const now = sockets();
    const fresh = [...now].filter(([inode, fd]) => !this.#seen.has(inode) && isAccepted(fd, this.#socketPath));
    this.#seen = new Set(now.keys());
    const [found] = fresh;
    if (found === undefined || fresh.length > 1) {
      throw new GantryError(
        "permission_denied",
        `cannot tell who connected to ${this.#socketPath}: ${fresh.length} new connections`,
      );
    }
    return peerCredentials(found[1]);
  }
}

/** The sockets of this process: inode to descriptor. */
function sockets(): Map<string, number> {
  const found = new Map<string, number>();
  for (const entry of Deno.readDirSync("/proc/self/fd")) {
    const target = linkTarget(`/proc/self/fd/${entry.name}`);
    if (target?.startsWith("socket:")) found.set(target, Number(entry.name));
  }
  return found;
}

function isAccepted(fd: number, socketPath: string): boolean {
  try {
    return acceptedOn(fd) === socketPath;
  } catch {
    // Closed since it was listed.
    return false;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // The descriptor of the listing itself, or one closed since.
    return undefined;
  }
}
