import { GantryError } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";
import { type GroupEntry, maxUserId, parseGroup, parsePasswd, parseUserId, type PasswdEntry } from "./passwd.ts";
import { readFileInRoot } from "./rootfs_files.ts";

/** The numeric identity of the first process, looked up in the container's own files. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** `gid` and the groups that list the user; only `gid` when a group was given. */
  readonly groups: readonly number[];
  /** Home directory by etc/passwd; `/` when it has no such user. */
  readonly home: string;
}

/** Options of {@link resolveUser}. */
export interface ResolveUserOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks up `user[:group]`, names or numbers, in etc/passwd and etc/group of a root filesystem, by docker's rules: the first
 * matching line wins, a number need not be in the files, and an empty user is uid 0. For an overlay `rootfs` is the
 * directory below it.
 *
 * `not_found` when a name is in no line ("unable to find user x: no matching entries in passwd file"), `invalid_argument`
 * for a number above 2147483647.
 */
export async function resolveUser(
  rootfs: string,
  user: string,
  options: ResolveUserOptions = {},
): Promise<ResolvedUser> {
  const colon = user.indexOf(":");
  const userPart = colon < 0 ? user : user.slice(0, colon);
  const groupPart = colon < 0 ? "" : user.slice(colon + 1);
  for (const part of [userPart, groupPart]) assertInRange(part, user);
  // Side by side: each way to a thread and back costs about 0.1 ms of a cold `run`.
  const [passwd, group] = await Promise.allSettled([
    readTable(rootfs, "etc/passwd", { needed: isName(userPart), options }),
    isNumber(groupPart) ? "" : readTable(rootfs, "etc/group", { needed: isName(groupPart), options }),
  ]);
  const entry = findUser(parsePasswd(fulfilled(passwd)), userPart, rootfs);
  const groups = parseGroup(fulfilled(group));
  const uid = entry?.uid ?? parseUserId(userPart) ?? 0;
  const home = entry === undefined || entry.home === "" ? "/" : entry.home;
  if (groupPart !== "") {
    const gid = parseUserId(groupPart) ?? findGroup(groups, groupPart, rootfs);
    return { uid, gid, groups: [gid], home };
  }
  const gid = entry?.gid ?? 0;
  const listed = entry === undefined ? [] : groups.filter((line) => line.members.includes(entry.name));
  return { uid, gid, groups: [...new Set([gid, ...listed.map((line) => line.gid)])], home };
}

/**
 * The ids of groups given by name or number, in etc/group of a root filesystem. `not_found` for a name that is not in it,
 * `invalid_argument` for a number above 2147483647.
 */
export async function resolveGroups(
  rootfs: string,
  names: readonly string[],
  options: ResolveUserOptions = {},
): Promise<readonly number[]> {
  if (names.length === 0) return [];
  for (const name of names) assertGroup(name);
  const groups = names.some(isName) ? parseGroup(await readTable(rootfs, "etc/group", { needed: true, options })) : [];
  return names.map((name) => parseUserId(name) ?? findGroup(groups, name, rootfs));
}

function fulfilled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

interface TableNeed {
  /** False when the file only adds what the user did not ask for: then one that cannot be read counts as empty. */
  readonly needed: boolean;
  readonly options: ResolveUserOptions;
}

async function readTable(rootfs: string, path: string, need: TableNeed): Promise<string> {
  try {
    return await readFileInRoot(rootfs, path, need.options) ?? "";
  } catch (error) {
    need.options.signal?.throwIfAborted();
    if (need.needed || !(error instanceof GantryError)) throw error;
    return "";
  }
}

function findUser(passwd: readonly PasswdEntry[], text: string, rootfs: string): PasswdEntry | undefined {
  if (text === "") return passwd.find((entry) => entry.uid === 0);
  const found = passwd.find((entry) => entry.name === text || entry.uid === parseUserId(text));
  if (found !== undefined || isNumber(text)) return found;
  throw notFound(`unable to find user ${text}: no matching entries in passwd file`, {
    word: text,
    known: passwd.map((entry) => entry.name),
    file: `${rootfs}/etc/passwd`,
  });
}

function findGroup(group: readonly GroupEntry[], text: string, rootfs: string): number {
  const found = group.find((entry) => entry.name === text);
  if (found !== undefined) return found.gid;
  throw notFound(`unable to find group ${text}: no matching entries in group file`, {
    word: text,
    known: group.map((entry) => entry.name),
    file: `${rootfs}/etc/group`,
  });
}

interface Lookup {
  readonly word: string;
  readonly known: readonly string[];
  readonly file: string;
}

function notFound(message: string, lookup: Lookup): GantryError {
  return new GantryError("not_found", message, {
    hint: didYouMean(lookup.word, lookup.known) ?? `give a number, or a name that is in ${lookup.file}`,
  });
}

function isName(text: string): boolean {
  return text !== "" && !isNumber(text);
}

function isNumber(text: string): boolean {
  return parseUserId(text) !== undefined;
}

function assertGroup(name: string): void {
  if (name === "") {
    throw new GantryError("invalid_argument", "--group-add is empty", { hint: "give a name or a number" });
  }
  assertInRange(name, name);
}

function assertInRange(part: string, whole: string): void {
  if (!/^-?[0-9]+$/.test(part) || isNumber(part)) return;
  throw new GantryError("invalid_argument", `user ${JSON.stringify(whole)} is out of range`, {
    hint: `uids and gids must be in range 0-${maxUserId}`,
  });
}
