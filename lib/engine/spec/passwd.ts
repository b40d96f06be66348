/** Parsers of passwd(5) and group(5) files that come from images: lines that make no sense are skipped, never guessed. */

/** A line of etc/passwd. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Empty when the line has none. */
  readonly home: string;
}

/** A line of etc/group. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  /** Names of the users in it. */
  readonly members: readonly string[];
}

/** The largest id docker accepts: ids are 32 bits, but signed in too many programs. */
export const maxUserId: number = 2 ** 31 - 1;

/** The entries of a passwd file, in its order. */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  return fieldsOfLines(text).flatMap(([name = "", , uid, gid, , home = ""]) => {
    const [user, group] = [parseUserId(uid), parseUserId(gid)];
    return name === "" || user === undefined || group === undefined ? [] : [{ name, uid: user, gid: group, home }];
  });
}

/** The entries of a group file, in its order. */
export function parseGroup(text: string): readonly GroupEntry[] {
  return fieldsOfLines(text).flatMap(([name = "", , id, members = ""]) => {
    const gid = parseUserId(id);
    return name === "" || gid === undefined ? [] : [{ name, gid, members: members.split(",").filter((m) => m !== "") }];
  });
}

/** A uid or gid in decimal; undefined for anything else, also for one above {@link maxUserId}. */
export function parseUserId(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxUserId ? id : undefined;
}

function fieldsOfLines(text: string): readonly (readonly string[])[] {
  // A NUL can be in no name, and would end up in HOME.
  return text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#") && !line.includes("\0"))
    .map((line) => line.split(":"));
}
