import { readTextIfExists, removeIfExists } from "../base/atomic_file.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { assertName } from "../wire/identifier.ts";
import { type InstancePaths, namesDirectory } from "./container_paths.ts";
import { isAlive, type Maker, thisMaker } from "./maker.ts";

/**
 * Names of containers, unique within a namespace of an instance. containerd's ids are not names (docker's `a__b` is no
 * containerd id) and its labels are not unique, so each name is a file holding the id, made by link(2): the kernel
 * decides who was first, without an RPC. Every name is checked before it becomes part of a path.
 */
export interface NameStore {
  /** Takes `name` for `id`; `already_exists` when a living container, or a command still making one, has it. */
  claim(name: string, id: string): Promise<void>;
  /** The id behind a name; undefined when nobody has it. `invalid_argument` for what can be no name. */
  lookup(name: string): Promise<string | undefined>;
  /** Gives `name` back if `id` has it. */
  release(name: string, id: string): Promise<void>;
  /** Gives back whatever names `id` has, for one whose maker died before anybody else knew its name. */
  releaseAll(id: string): Promise<void>;
}

/** What a name's file says: the container, and who made the claim, for its container may not exist yet. */
interface Claim extends Maker {
  readonly id: string;
}

/** Options of {@link openNames}. */
export interface NamesOptions {
  readonly namespace: string;
  /** Tells whether a container is still there, to take over a dead one's name. */
  readonly exists: (id: string) => Promise<boolean>;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** How often to look whether another takeover has ended; each lasts about as long as one RPC. */
const takeoverAttempts = 100;
const takeoverPauseMs = 20;

/** Opens the names of one namespace. */
export function openNames(instance: InstancePaths, options: NamesOptions): NameStore {
  const { clock = systemClock } = options;
  const directory = namesDirectory(instance, options.namespace);
  const pathOf = (name: string): string => {
    assertName(name);
    return `${directory}/${name}`;
  };

  async function claim(name: string, id: string): Promise<void> {
    const path = pathOf(name);
    const content: Claim = { id, ...thisMaker() };
    if (link(path, { directory, content })) return;
    await refuseLiving(name, path);
    // One takeover at a time: of two that both saw the same dead holder, the second would remove the first's claim.
    await using _lock = await lockTakeovers(directory, clock);
    await refuseLiving(name, path);
    await removeIfExists(path);
    if (!link(path, { directory, content })) {
      throw new GantryError("already_exists", `the name ${name} was taken by another command this moment`);
    }
  }

  async function refuseLiving(name: string, path: string): Promise<void> {
    const holder = await readClaim(path);
    if (holder === undefined || (!isAlive(holder) && !await options.exists(holder.id))) return;
    throw new GantryError("already_exists", `the name ${name} is in use by container ${holder.id}`, {
      hint: `remove it with \`gantry rm ${name}\` or choose another name`,
    });
  }

  async function lookup(name: string): Promise<string | undefined> {
    return (await readClaim(pathOf(name)))?.id;
  }

  async function release(name: string, id: string): Promise<void> {
    if (await lookup(name) === id) await removeIfExists(pathOf(name));
  }

  async function releaseAll(id: string): Promise<void> {
    await removeIfExists(asideOf(directory, id));
    for (const name of await namesIn(directory)) await release(name, id);
  }

  return { claim, lookup, release, releaseAll };
}

/** Makes a name's file with its content in one step, so that no reader sees it half-written. False when it exists. */
function link(path: string, { directory, content }: { readonly directory: string; readonly content: Claim }): boolean {
  const aside = asideOf(directory, content.id);
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(aside, JSON.stringify(content), { mode: 0o600 });
    Deno.linkSync(aside, path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw systemError(error, `write ${path}`);
  } finally {
    removeQuietly(aside);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Never written; what stays is hidden, and named after an id that nobody will have again.
  }
}

/** Where a claim is written before it gets its name. No name begins with a dot. */
function asideOf(directory: string, id: string): string {
  return `${directory}/.${id}`;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name).filter((name) => !name.startsWith("."));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw systemError(error, `list ${directory}`);
  }
}

async function lockTakeovers(directory: string, clock: Clock): Promise<Lock> {
  for (let attempt = 1;; attempt++) {
    try {
      return await acquireLock(`${directory}/.takeover`, { content: String(Deno.pid), needsContent: false, clock });
    } catch (error) {
      if (!isCode(error, "failed_precondition") || attempt >= takeoverAttempts) throw error;
      await clock.sleep(takeoverPauseMs);
    }
  }
}

/** A file that is cut or empty is no claim: link(2) makes none such, a broken disk does. */
async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    const claim: unknown = JSON.parse(await readTextIfExists(path) ?? "null");
    if (!isRecord(claim) || typeof claim.id !== "string") return undefined;
    return { id: claim.id, pid: Number(claim.pid), startTime: String(claim.startTime) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
