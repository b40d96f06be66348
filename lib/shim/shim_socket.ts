import { readTextIfExists, removeIfExists } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import type { Bundle } from "./bundle.ts";
import { readShimAddress, shimAddressOf } from "./bundle_address.ts";

/** What the path of a shim's socket is made from. */
export interface ShimSocketOptions {
  /** containerd's gRPC socket, as containerd names it. */
  readonly address: string;
  readonly namespace: string;
  /** The container's id. */
  readonly id: string;
}

/** Where containerd's shims listen; compiled in. */
const directory = "/run/containerd/s";

/** The longest path of a socket that the shims take. */
const longestPath = 106;

/**
 * Where the shims of one root listen that are run without `start`. A hidden name is neither a namespace nor a bundle.
 */
export function shimSocketDirectory(root: string): string {
  return `${root}/.s`;
}

/** A path for a new shim's socket, and the directory for it. `invalid_argument` when the root's path is too long. */
export function newShimSocket(root: string): string {
  const own = shimSocketDirectory(root);
  const path = `${own}/${crypto.getRandomValues(new Uint8Array(12)).toHex()}`;
  if (new TextEncoder().encode(path).length > longestPath) {
    throw new GantryError("invalid_argument", `${path} is too long for a socket: the limit is ${longestPath} bytes`, {
      hint: "choose a shorter state directory",
    });
  }
  try {
    Deno.mkdirSync(own, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw systemError(error, `make ${own}`);
  }
  return path;
}

/**
 * Removes the socket of a shim that was killed: it can no longer do so itself, and containerd does not (1.6 to 2.1). One
 * that somebody listens on stays. The name is the SHA-256 of what the shim was told (shim.SocketAddress of containerd).
 */
export async function removeDeadShimSocket({ address, namespace, id }: ShimSocketOptions): Promise<void> {
  const told = new TextEncoder().encode(`${address}/${namespace}/${id}`);
  await removeDeadSocket(`${directory}/${new Uint8Array(await crypto.subtle.digest("SHA-256", told)).toHex()}`);
}

/** Removes the sockets that a bundle names, where nobody listens: a shim that several containers share may live on. */
export async function removeShimSockets(bundle: Bundle): Promise<void> {
  const named = [
    (await readShimAddress(bundle.path))?.path,
    // The one that was named before the shim was started.
    shimAddressOf(await readTextIfExists(`${bundle.path}/address`) ?? "", 2)?.path,
  ];
  for (const path of new Set(named)) if (path !== undefined) await removeDeadSocket(path);
  await removeDeadShimSocket({ address: bundle.root, namespace: bundle.namespace, id: bundle.id });
}

/** Removes a socket unless somebody listens there. */
export async function removeDeadSocket(path: string): Promise<void> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await removeIfExists(path);
  }
}
