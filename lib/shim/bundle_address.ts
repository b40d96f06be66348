import { readTextIfExists } from "../base/atomic_file.ts";
import { isRecord, stringField } from "../base/json.ts";

/** Where a shim listens, and which generation of the task service it speaks. */
export interface ShimAddress {
  /** Path of the unix socket. */
  readonly path: string;
  /** `containerd.task.v2.Task` for shims 1.x, `containerd.task.v3.Task` for 2.x. */
  readonly service: "containerd.task.v2.Task" | "containerd.task.v3.Task";
}

/**
 * Reads the shim's address from a bundle: bootstrap.json (written by containerd 2.x; also for old shims, then as version 2)
 * or `address` (written by the shims 1.x themselves). Undefined when there is neither, or no unix socket in it.
 */
export async function readShimAddress(bundle: string): Promise<ShimAddress | undefined> {
  const bootstrap = await readTextIfExists(`${bundle}/bootstrap.json`);
  if (bootstrap !== undefined) return parseBootstrap(bootstrap);
  const address = await readTextIfExists(`${bundle}/address`);
  return address === undefined ? undefined : addressOf(address, 2);
}

function parseBootstrap(text: string): ShimAddress | undefined {
  try {
    const bootstrap: unknown = JSON.parse(text);
    if (!isRecord(bootstrap)) return undefined;
    return addressOf(stringField(bootstrap, "address") ?? "", bootstrap.version);
  } catch {
    return undefined;
  }
}

function addressOf(address: string, version: unknown): ShimAddress | undefined {
  const path = /^unix:\/\/(\/.+)$/.exec(address.trim())?.[1];
  if (path === undefined) return undefined;
  return { path, service: version === 3 ? "containerd.task.v3.Task" : "containerd.task.v2.Task" };
}
