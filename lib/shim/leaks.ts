import type { Clock } from "../base/clock.ts";
import type { ProcessIdentity } from "../base/proc.ts";
import { type Bundle, bundleOf, hasBundle, listBundles, listNamespaces } from "./bundle.ts";
import { readShimAddress } from "./bundle_address.ts";
import { cleanUp, removeAbandoned } from "./dead_shim.ts";
import { endShim } from "./end_shim.ts";
import { killShim, shimsBelow } from "./shim_process.ts";
import { removeDeadSocket, shimSocketDirectory } from "./shim_socket.ts";
import { judge, type JudgeOptions } from "./verdict.ts";

/** Something that nobody needs any more. */
export interface Leak {
  readonly kind: "bundle" | "shim" | "socket" | "directory";
  /** A path; of a shim its pid. */
  readonly what: string;
  /** Why it may go, in a few words for people. */
  readonly why: string;
  /** Removes it with all that hangs on it. Safe to repeat. */
  readonly remove: () => Promise<void>;
}

/** Options of {@link findLeaks}. */
export interface LeakOptions extends JudgeOptions {
  readonly clock: Clock;
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
}

/** Everything below a directory of bundles that is dead, half-made or left over, in all namespaces. Changes nothing. */
export async function findLeaks(root: string, options: LeakOptions): Promise<readonly Leak[]> {
  // Before the bundles: a socket that is there now was named in its bundle before it was made.
  const sockets = await socketsOf(root);
  const processes = await shimsBelow(root);
  const leaks: Leak[] = [];
  const named = new Set<string>();
  const serving = new Set<number>();
  const silent = new Set<string>();
  for (const namespace of await listNamespaces(root)) {
    const { bundles, abandoned } = await listBundles(root, namespace);
    leaks.push(...abandoned.map((path) => abandonedLeak(path)));
    const looks = await Promise.all(bundles.map((bundle) => look(bundle, options)));
    // One that is silent may be served by a shim whose own bundle has gone: which one, it does not say.
    if (looks.some(({ isSilent }) => isSilent)) silent.add(namespace);
    for (const { leak, address, pid } of looks) {
      if (leak !== undefined) leaks.push(leak);
      if (address !== undefined) named.add(address);
      if (pid !== undefined) serving.add(pid);
    }
  }
  for (const { identity, namespace, id } of processes) {
    if (serving.has(identity.pid) || silent.has(namespace) || await hasBundle(bundleOf(root, { namespace, id }))) {
      continue;
    }
    leaks.push(shimLeak(identity, options));
  }
  leaks.push(...sockets.filter((path) => !named.has(path)).map(socketLeak));
  return leaks;
}

interface Look {
  readonly leak?: Leak | undefined;
  readonly address: string | undefined;
  /** Of the shim that serves it. */
  readonly pid?: number | undefined;
  readonly isSilent?: boolean | undefined;
}

async function look(bundle: Bundle, options: LeakOptions): Promise<Look> {
  const address = (await readShimAddress(bundle.path))?.path;
  const verdict = await judge(bundle, options);
  const shim = "shim" in verdict ? verdict.shim : undefined;
  const pid = shim?.process?.pid;
  const leakOf = (why: string, remove: () => Promise<unknown>): Look => ({
    address,
    pid,
    leak: { kind: "bundle", what: bundle.path, why, remove: () => remove().then(() => {}) },
  });
  switch (verdict.kind) {
    case "dead":
      return leakOf("its shim is dead", () => cleanUp(bundle, options));
    case "half_made":
      return leakOf("whoever made it died before there was a task", () => cleanUp(bundle, options));
    case "deleted":
      shim?.[Symbol.dispose]();
      return leakOf("its task was deleted", () => endDeleted(bundle, options));
    default:
      shim?.[Symbol.dispose]();
      return { address, pid, isSilent: verdict.kind === "silent" };
  }
}

async function endDeleted(bundle: Bundle, options: LeakOptions): Promise<void> {
  const verdict = await judge(bundle, options);
  const shim = "shim" in verdict ? verdict.shim : undefined;
  if (verdict.kind !== "deleted") shim?.[Symbol.dispose]();
  else if (shim === undefined) await cleanUp(bundle, options);
  else await endShim(bundle, shim, options);
}

function abandonedLeak(path: string): Leak {
  return {
    kind: "directory",
    what: path,
    why: "whoever made or removed it died over it",
    remove: () => removeAbandoned(path),
  };
}

function shimLeak(identity: ProcessIdentity, options: LeakOptions): Leak {
  return {
    kind: "shim",
    what: String(identity.pid),
    why: "its bundle is gone",
    remove: () => killShim(identity, options),
  };
}

function socketLeak(path: string): Leak {
  return { kind: "socket", what: path, why: "no bundle names it", remove: () => removeDeadSocket(path) };
}

async function socketsOf(root: string): Promise<readonly string[]> {
  const directory = shimSocketDirectory(root);
  const entries = await Array.fromAsync(Deno.readDir(directory)).catch(() => []);
  return entries.map(({ name }) => `${directory}/${name}`).sort();
}
