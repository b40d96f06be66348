import { readTextIfExists } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
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
  return address === undefined ? undefined : shimAddressOf(address, 2);
}

/**
 * Writes bootstrap.json as containerd does for every shim, so that whoever comes next finds it. Renamed into place but not
 * synced: no shim outlives the boot.
 */
export async function writeShimAddress(bundle: string, { path, service }: ShimAddress): Promise<void> {
  const version = service === "containerd.task.v3.Task" ? 3 : 2;
  const file = `${bundle}/bootstrap.json`;
  try {
    await Deno.writeTextFile(`${file}.tmp`, JSON.stringify({ version, address: `unix://${path}`, protocol: "ttrpc" }));
    await Deno.rename(`${file}.tmp`, file);
  } catch (error) {
    throw systemError(error, `write ${file}`);
  }
}

function parseBootstrap(text: string): ShimAddress | undefined {
  try {
    const bootstrap: unknown = JSON.parse(text);
    if (!isRecord(bootstrap)) return undefined;
    return shimAddressOf(stringField(bootstrap, "address") ?? "", bootstrap.version);
  } catch {
    return undefined;
  }
}

/** An address as shims print it, for a version of the task service; undefined when it is no unix socket. */
export function shimAddressOf(address: string, version: unknown): ShimAddress | undefined {
  const path = /^unix:\/\/(\/.+)$/.exec(address.trim())?.[1];
  if (path === undefined) return undefined;
  return { path, service: version === 3 ? "containerd.task.v3.Task" : "containerd.task.v2.Task" };
}
