import { removeIfExists } from "../base/atomic_file.ts";
import { GantryError } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";
import { readIdentity } from "../base/proc.ts";
import { type InstancePaths, namesDirectory } from "./container_paths.ts";

/**
 * Names of containers, unique within a namespace of an instance. containerd's ids are not names (docker's `a__b` is no
 * containerd id) and its labels are not unique, so each name is a file holding the id, made by link(2): the kernel
 * decides who was first, without an RPC.
 */
export interface NameStore {
  /** Takes `name` for `id`; `already_exists` when a living container, or a command still making one, has it. */
  claim(name: string, id: string): Promise<void>;
  /** The id behind a name; undefined when nobody has it. */
  lookup(name: string): Promise<string | undefined>;
  /** Gives `name` back if `id` has it. */
  release(name: string, id: string): Promise<void>;
}

/** What a name's file says. */
interface Claim {
  readonly id: string;
  /** Who made the claim: its container may not exist yet. */
  readonly pid: number;
  /** Start time of that process in clock ticks, as text. */
  readonly startTime: string;
}

/** Opens the names of one namespace. `exists` tells whether a container is still there, to take over a dead one's name. */
export function openNames(
  instance: InstancePaths,
  options: { readonly namespace: string; readonly exists: (id: string) => Promise<boolean> },
): NameStore {
  const directory = namesDirectory(instance, options.namespace);
  const pathOf = (name: string): string => `${directory}/${name}`;

  async function claim(name: string, id: string): Promise<void> {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const self = await readIdentity(Deno.pid);
    const content: Claim = { id, pid: Deno.pid, startTime: String(self?.startTime ?? 0) };
    if (await link(directory, { name, content })) return;
    const holder = await readClaim(pathOf(name));
    if (holder !== undefined && (await options.exists(holder.id) || await isAlive(holder))) {
      throw new GantryError("already_exists", `the name ${name} is in use by container ${holder.id}`, {
        hint: `remove it with \`gantry rm ${name}\` or choose another name`,
      });
    }
    await removeIfExists(pathOf(name));
    if (!await link(directory, { name, content })) {
      throw new GantryError("already_exists", `the name ${name} was taken by another command this moment`);
    }
  }

  async function lookup(name: string): Promise<string | undefined> {
    return (await readClaim(pathOf(name)))?.id;
  }

  async function release(name: string, id: string): Promise<void> {
    if (await lookup(name) === id) await removeIfExists(pathOf(name));
  }

  return { claim, lookup, release };
}

/** Makes a name's file with its content in one step, so that no reader sees it half-written. False when it exists. */
async function link(directory: string, claim: { readonly name: string; readonly content: Claim }): Promise<boolean> {
  // No name begins with a dot.
  const aside = `${directory}/.${claim.content.id}`;
  await Deno.writeTextFile(aside, JSON.stringify(claim.content), { mode: 0o600 });
  try {
    await Deno.link(aside, `${directory}/${claim.name}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  } finally {
    await removeIfExists(aside);
  }
}

async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    const claim: unknown = JSON.parse(await Deno.readTextFile(path));
    if (!isRecord(claim) || typeof claim.id !== "string") return undefined;
    return { id: claim.id, pid: Number(claim.pid), startTime: String(claim.startTime) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function isAlive(claim: Claim): Promise<boolean> {
  const identity = await readIdentity(claim.pid);
  return identity !== undefined && String(identity.startTime) === claim.startTime;
}
