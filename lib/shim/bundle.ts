import { readTextIfExists } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { isRecord, stringField } from "../base/json.ts";
import { readStat } from "../base/proc.ts";
import { assertId, assertNamespace, isId } from "../wire/identifier.ts";
import { defaultRuntimeRoot, type RuntimeOptions, runtimeOptionsJson } from "../wire/runtime_options.ts";

const lostPrefix = ".lost-";
const asidePattern = /^\..*\.([0-9]+)\.([0-9]+)$/;

/** A directory that describes one container to its shim; laid out as containerd does it, so that either can clean up. */
export interface Bundle {
  /** Absolute path: `<root>/<namespace>/<id>`. The shims take its last part for the container's id. */
  readonly path: string;
  /** The directory of all bundles. */
  readonly root: string;
  readonly namespace: string;
  /** The container's id. */
  readonly id: string;
}

/** What a bundle is made from. */
export interface BundleContent {
  /**
   * Text of config.json: the container's OCI spec. Its root.path is `rootfs` when the task has mounts for it. Undefined when
   * it is to be written later, by {@link writeConfig}.
   */
  readonly config?: string | undefined;
  /** Absolute path of the shim's program. */
  readonly shim: string;
  /** Options of the OCI runtime; default runc with its own. */
  readonly runtime?: RuntimeOptions | undefined;
  /** Group that root in the container's user namespace is on the host: it may then enter the bundle. Default none. */
  readonly rootGid?: number | undefined;
}

/** Names the bundle of a container. `invalid_argument` for an id or a namespace that may not be part of a path. */
export function bundleOf(root: string, { namespace, id }: { readonly namespace: string; readonly id: string }): Bundle {
  assertNamespace(namespace);
  assertId(id);
  return { path: `${root}/${namespace}/${id}`, root, namespace, id };
}

/**
 * Makes a bundle: aside, and then renamed, so that it is there whole or not at all. It carries the mark of this process
 * until {@link finishBundle}; one with the mark of a dead process is half-made. `already_exists` when there is one.
 */
export async function createBundle(bundle: Bundle, content: BundleContent): Promise<void> {
  const { root, namespace, id, path } = bundle;
  const aside = asideOf(bundle);
  try {
    // Synchronous, all of it: the shim is to be on its way before whoever prepares it goes on to load modules.
    Deno.mkdirSync(`${root}/${namespace}`, { recursive: true, mode: 0o711 });
    writeContent(aside, content);
    renameTo(path, aside);
  } catch (error) {
    await Deno.remove(aside, { recursive: true }).catch(() => {});
    if (error instanceof TakenError) throw new GantryError("already_exists", `container ${id} has a task already`);
    throw systemError(error, `make the bundle ${path}`);
  }
}

/** Writes the container's OCI spec into a bundle that was made without; at the latest before Create. */
export function writeConfig(bundle: Bundle, config: string): void {
  try {
    Deno.writeTextFileSync(`${bundle.path}/config.json`, config);
  } catch (error) {
    throw systemError(error, `write ${bundle.path}/config.json`);
  }
}

/**
 * A path beside a bundle, for what is not there yet or any more. It says which process works there: when that has died,
 * {@link listBundles} tells.
 */
export function asideOf({ root, namespace, id }: Bundle): string {
  const random = crypto.getRandomValues(new Uint8Array(6)).toHex();
  return `${root}/${namespace}/.${id}-${random}.${thisProcess().replace(" ", ".")}`;
}

/** The file beside the bundles that says how a container's task ended when its shim was lost; see `lost_task.ts`. */
export function lostFileOf({ root, namespace, id }: Bundle): string {
  return `${root}/${namespace}/${lostPrefix}${id}`;
}

/** Takes the maker's mark off: the task exists. */
export async function finishBundle(bundle: Bundle): Promise<void> {
  try {
    await Deno.remove(`${bundle.path}/maker`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `finish the bundle ${bundle.path}`);
  }
}

/**
 * Notes that the task has been deleted and its end told: should this process die before the bundle is removed, its shim,
 * which ends in between, was not lost.
 */
export async function markDeleted(bundle: Bundle): Promise<void> {
  try {
    await Deno.writeTextFile(`${bundle.path}/deleted`, "", { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `mark the bundle ${bundle.path}`);
  }
}

/** True from {@link markDeleted} on. */
export async function isDeleted(bundle: Bundle): Promise<boolean> {
  return await readTextIfExists(`${bundle.path}/deleted`) !== undefined;
}

/** Who makes this bundle: nobody (it is finished), a process that lives, or one that died over it. */
export async function makerOf(bundle: Bundle): Promise<"none" | "alive" | "dead"> {
  const text = await readTextIfExists(`${bundle.path}/maker`);
  if (text === undefined) return "none";
  return isProcess(text) ? "alive" : "dead";
}

/** Whether a process other than this one is making it: its shim may not listen yet, and there is no task so far. */
export async function isMadeElsewhere(bundle: Bundle): Promise<boolean> {
  const text = await readTextIfExists(`${bundle.path}/maker`);
  return text !== undefined && text !== thisProcess() && isProcess(text);
}

/** What is in the directory of a namespace. */
export interface BundleList {
  readonly bundles: readonly Bundle[];
  /** Paths of what makers that died left beside them, to be removed. */
  readonly abandoned: readonly string[];
  /** Those that have gone, because their shims were lost, and whose ends are kept. */
  readonly lost: readonly Bundle[];
}

/** The bundles of a namespace, and what is beside them. */
export async function listBundles(root: string, namespace: string): Promise<BundleList> {
  const directory = `${root}/${namespace}`;
  const bundles = new Map<string, Bundle>();
  const lost = new Map<string, Bundle>();
  const abandoned: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(directory)) {
      const into = isDirectory ? bundles : lost;
      const id = isDirectory ? name : name.startsWith(lostPrefix) ? name.slice(lostPrefix.length) : "";
      if (isId(id)) into.set(id, bundleOf(root, { namespace, id }));
      if (isDirectory && isAbandoned(name)) abandoned.push(`${directory}/${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `list ${directory}`);
  }
  for (const id of bundles.keys()) lost.delete(id);
  return { bundles: byId(bundles), abandoned: abandoned.sort(), lost: byId(lost) };
}

/** Whether a name is one of {@link asideOf}. */
export function isAside(name: string): boolean {
  return asidePattern.test(name);
}

/** Paths of what makers that died left beside one bundle. Synchronous: one small directory, on the way of every removal. */
export function abandonedOf({ root, namespace, id }: Bundle): readonly string[] {
  const directory = `${root}/${namespace}`;
  try {
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
    return names.filter((name) => name.startsWith(`.${id}-`) && isAbandoned(name)).map((name) =>
      `${directory}/${name}`
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw systemError(error, `list ${directory}`);
  }
}

function isAbandoned(name: string): boolean {
  const [, pid, startTime] = asidePattern.exec(name) ?? [];
  return pid !== undefined && !isProcess(`${pid} ${startTime}`);
}

function byId(bundles: ReadonlyMap<string, Bundle>): readonly Bundle[] {
  return [...bundles.values()].sort((a, b) => a.id < b.id ? -1 : 1);
}

/** The namespaces that have bundles. */
export async function listNamespaces(root: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(root));
    return entries.filter(({ name, isDirectory }) => isDirectory && isId(name)).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw systemError(error, `list ${root}`);
  }
}

/** True when the bundle is there. */
export async function hasBundle(bundle: Bundle): Promise<boolean> {
  return await Deno.lstat(bundle.path).then(({ isDirectory }) => isDirectory, () => false);
}

/** The shim's program that a bundle was made for; undefined when it does not say. */
export async function shimOf(bundle: Bundle): Promise<string | undefined> {
  return (await readTextIfExists(`${bundle.path}/shim-binary-path`))?.trim() || undefined;
}

/** Where the runtime keeps its state of the container, and its program; from options.json, which the shims write too. */
export async function runtimeOf(bundle: Bundle): Promise<{ readonly binary: string; readonly root: string }> {
  const options = jsonRecord(await readTextIfExists(`${bundle.path}/options.json`));
  return {
    binary: stringField(options, "binary_name") || "runc",
    root: `${stringField(options, "root") || defaultRuntimeRoot}/${bundle.namespace}`,
  };
}

/** An object in JSON; an empty one for everything else. */
export function jsonRecord(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text ?? "");
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** Synchronous: a few small files on tmpfs, on the way of every run. Nothing is synced: no container outlives the boot. */
function writeContent(path: string, { config, shim, runtime = {}, rootGid }: BundleContent): void {
  Deno.mkdirSync(path, { mode: 0o700 });
  Deno.mkdirSync(`${path}/rootfs`, { mode: 0o711 });
  Deno.chmodSync(`${path}/rootfs`, 0o711);
  if (rootGid !== undefined) {
    Deno.chownSync(path, null, rootGid);
    Deno.chmodSync(path, 0o710);
  }
  Deno.writeTextFileSync(`${path}/maker`, thisProcess(), { mode: 0o600 });
  if (config !== undefined) Deno.writeTextFileSync(`${path}/config.json`, config);
  // A shim without a log dies after it has said where it listens; with a FIFO that nobody reads it never answers.
  Deno.writeTextFileSync(`${path}/log`, "", { mode: 0o600 });
  // The shims write these two at Create; until then their `delete` would fail for want of them.
  Deno.writeTextFileSync(`${path}/options.json`, runtimeOptionsJson(runtime), { mode: 0o600 });
  Deno.writeTextFileSync(`${path}/runtime`, runtime.binary ?? "", { mode: 0o600 });
  Deno.writeTextFileSync(`${path}/shim-binary-path`, shim, { mode: 0o600 });
}

class TakenError extends Error {}

function renameTo(path: string, aside: string): void {
  try {
    Deno.renameSync(aside, path);
  } catch (error) {
    // An empty directory in the way is what a removal that was cut off left, and is replaced; others are ENOTEMPTY.
    throw error instanceof Error && /os error (17|39)\b/.test(error.message) ? new TakenError() : error;
  }
}

function thisProcess(): string {
  return `${Deno.pid} ${readStat(Deno.pid)?.startTime ?? 0n}`;
}

function isProcess(text: string): boolean {
  const [pid = "", startTime = ""] = text.trim().split(" ");
  const stat = readStat(Number(pid));
  return stat !== undefined && String(stat.startTime) === startTime && !/[ZXx]/.test(stat.state);
}
