import { removeIfExists } from "../base/atomic_file.ts";

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

/**
 * Removes the socket of a shim that was killed: it can no longer do so itself, and containerd does not (1.6 to 2.1). One
 * that somebody listens on stays. The name is the SHA-256 of what the shim was told (shim.SocketAddress of containerd).
 */
export async function removeDeadShimSocket({ address, namespace, id }: ShimSocketOptions): Promise<void> {
  const told = new TextEncoder().encode(`${address}/${namespace}/${id}`);
  const path = `${directory}/${new Uint8Array(await crypto.subtle.digest("SHA-256", told)).toHex()}`;
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await removeIfExists(path);
  }
}
