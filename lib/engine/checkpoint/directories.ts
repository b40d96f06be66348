import { systemError } from "../../base/errno.ts";

/** Makes a directory and those above it, for nobody but us. One that is there stays as it is. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw systemError(error, `create ${path}`);
  }
}

/** Removes a directory with all that is in it; nothing happens when there is none. */
export async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `remove ${path}`);
  }
}

/** Removes a directory that has nothing in it; any other stays. */
export async function removeIfEmpty(path: string): Promise<void> {
  // It is not removed when it is not empty, and then it is not meant to be.
  await Deno.remove(path).catch(() => {});
}

/** True when there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw systemError(error, `look at ${path}`);
  }
}

/** Names of the directories in a directory, sorted, hidden ones left out; none when it does not exist. */
export async function namesIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.filter(({ name, isDirectory }) => isDirectory && !name.startsWith(".")).map(({ name }) => name)
      .sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw systemError(error, `list ${path}`);
  }
}

/** Bytes of a file, or of all files below a directory; 0 when there is nothing. */
export async function sizeOf(path: string): Promise<number> {
  const info = await Deno.lstat(path).catch(() => undefined);
  if (info === undefined || info.isSymlink) return 0;
  if (!info.isDirectory) return info.size;
  let sum = 0;
  for await (const { name } of Deno.readDir(path)) sum += await sizeOf(`${path}/${name}`);
  return sum;
}

/** Makes a rename in a directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    using directory = await Deno.open(path);
    await directory.sync();
  } catch (error) {
    throw systemError(error, `sync ${path}`);
  }
}

/** The directory a path is in. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}
