import type { ProcessIdentity } from "../base/proc.ts";
import { type Bundle, bundleOf, hasBundle, listBundles, listNamespaces, runtimeOf } from "./bundle.ts";
import { readShimAddress } from "./bundle_address.ts";
import { controlGroupsOf } from "./control_groups.ts";
import { cleanUp, removeAbandoned } from "./dead_shim.ts";
import { endShim } from "./end_shim.ts";
import type { Leak, LeakedThing, LeakKind, LeakOptions } from "./leak.ts";
import { findLeakedMounts } from "./leaked_mounts.ts";
import { mountsBelow } from "../base/mounts_below.ts";
import { isShared } from "./shared_shim.ts";
import { killShim, shimsBelow, shimsOf } from "./shim_process.ts";
import { removeDeadSocket, shimSocketDirectory } from "./shim_socket.ts";
import { judge } from "./verdict.ts";

/**
 * Everything below a directory of bundles that is dead, half-made or left over, in all namespaces, and the shims started
 * for it. Changes nothing.
 */
export async function findLeaks(root: string, options: LeakOptions): Promise<readonly Leak[]> {
  // Before the bundles: a socket that is there now was named in its bundle before it was made.
  const sockets = await socketsOf(root);
  const processes = await shimsBelow(root);
  const leaks: Leak[] = [];
  // By name, which is random: `root` may be reached by another path than when the shim was started.
  const named = new Set<string>();
  const serving = new Set<number>();
  const silent = new Set<string>();
  for (const namespace of await listNamespaces(root)) {
    const { bundles, abandoned } = await listBundles(root, namespace);
    leaks.push(...await Promise.all(abandoned.map((path) => abandonedLeak(path))));
    const looks = await Promise.all(bundles.map((bundle) => look(bundle, options)));
    // One that is silent may be served by a shim whose own bundle has gone: which one, it does not say.
    if (looks.some(({ isSilent }) => isSilent)) silent.add(namespace);
    for (const { leak, address, pid } of looks) {
      if (leak !== undefined) leaks.push(leak);
      if (address !== undefined) named.add(nameOf(address));
      if (pid !== undefined) serving.add(pid);
    }
  }
  for (const { identity, namespace, id } of processes) {
    if (serving.has(identity.pid) || silent.has(namespace) || await hasBundle(bundleOf(root, { namespace, id }))) {
      continue;
    }
    leaks.push(shimLeak(identity, options));
  }
  leaks.push(...await findLeakedMounts(root));
  leaks.push(...sockets.filter((path) => !named.has(nameOf(path))).map(socketLeak));
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
  const leakOf = async (why: string, remove: () => Promise<unknown>): Promise<Look> => {
    const parts = await partsOf(bundle, address);
    return {
      address,
      pid,
      leak: { kind: "bundle", what: bundle.path, why, parts, remove: () => remove().then(() => {}) },
    };
  };
  switch (verdict.kind) {
    case "dead":
      return await leakOf("its shim is dead", () => cleanUp(bundle, options));
    case "half_made":
      return await leakOf("whoever made it died before there was a task", () => cleanUp(bundle, options));
    case "deleted":
      shim?.[Symbol.dispose]();
      return await leakOf("its task was deleted", () => endDeleted(bundle, options));
    default:
      shim?.[Symbol.dispose]();
      return { address, pid, isSilent: verdict.kind === "silent" };
  }
}

/** What {@link cleanUp} removes beside the bundle, as far as it is there. */
async function partsOf(bundle: Bundle, address: string | undefined): Promise<readonly LeakedThing[]> {
  // A shim that serves another container, too, stays.
  const isLast = !await isShared(bundle);
  const shims = isLast ? await shimsOf(bundle) : [];
  const { root } = await runtimeOf(bundle);
  return [
    ...thingsOf("shim", shims.map(({ identity }) => String(identity.pid))),
    ...thingsOf("mount", await mountsBelow(bundle.path)),
    ...thingsOf("control group", await controlGroupsOf(bundle)),
    ...thingsOf("runtime state", await present(`${root}/${bundle.id}`)),
    ...thingsOf("socket", isLast && address !== undefined ? await present(address) : []),
  ];
}

function thingsOf(kind: LeakKind, whats: readonly string[]): readonly LeakedThing[] {
  return whats.map((what) => ({ kind, what }));
}

async function present(path: string): Promise<readonly string[]> {
  return await Deno.lstat(path).then(() => [path], () => []);
}

async function endDeleted(bundle: Bundle, options: LeakOptions): Promise<void> {
  const verdict = await judge(bundle, options);
  const shim = "shim" in verdict ? verdict.shim : undefined;
  if (verdict.kind !== "deleted") shim?.[Symbol.dispose]();
  else if (shim === undefined) await cleanUp(bundle, options);
  else await endShim(bundle, shim, options);
}

async function abandonedLeak(path: string): Promise<Leak> {
  return {
    kind: "directory",
    what: path,
    why: "whoever made or removed it died over it",
    parts: thingsOf("mount", await mountsBelow(path)),
    remove: () => removeAbandoned(path),
  };
}

function shimLeak(identity: ProcessIdentity, options: LeakOptions): Leak {
  return {
    kind: "shim",
    what: String(identity.pid),
    why: "its bundle is gone",
    parts: [],
    remove: () => killShim(identity, options),
  };
}

function socketLeak(path: string): Leak {
  return { kind: "socket", what: path, why: "no bundle names it", parts: [], remove: () => removeDeadSocket(path) };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function socketsOf(root: string): Promise<readonly string[]> {
  const directory = shimSocketDirectory(root);
  const entries = await Array.fromAsync(Deno.readDir(directory)).catch(() => []);
  return entries.map(({ name }) => `${directory}/${name}`).sort();
}
