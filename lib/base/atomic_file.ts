import { systemError } from "./errno.ts";
import { parseJson } from "./json.ts";

/** Options of {@link writeFileAtomic}. */
export interface WriteFileOptions {
  /** Permissions of the file, whatever the umask; default 0o600. */
  readonly mode?: number | undefined;
}

/** What a temporary file of {@link writeFileAtomic} is called: hidden, beside its target, with the writer's pid. */
const temporaryName = /^\..+\.[0-9]+-[0-9a-f]{12}\.tmp$/;

/**
 * Replaces the file at `path` whole: after a crash at any instruction, or a power cut, it has either the old content or
 * the new. A symbolic link at `path` is replaced, not followed.
 * Fails with a {@link GantryError} that names `path` (`resource_exhausted` for a full disk); the old file is then intact.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteFileOptions = {},
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "." : path.slice(0, slash) || "/";
  const random = crypto.getRandomValues(new Uint8Array(6)).toHex();
  const temporary = `${directory}/.${path.slice(slash + 1)}.${Deno.pid}-${random}.tmp`;
  try {
    await writeNew(temporary, bytes, options.mode ?? 0o600);
    await Deno.rename(temporary, path);
  } catch (error) {
    // The first failure is the one to report; on a read-only or broken disk removing fails too.
    await removeIfExists(temporary).catch(() => false);
    throw systemError(error, `write ${path}`);
  }
  await syncDirectory(directory, path);
}

/** Removes a file; false when there was none. */
export async function removeIfExists(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw systemError(error, `remove ${path}`);
  }
}

/** The text of a file (UTF-8); undefined when there is none. */
export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw systemError(error, `read ${path}`);
  }
}

/** The parsed content of a JSON file; undefined when there is none, `data_loss` when it is not JSON. */
export async function readJsonIfExists(path: string): Promise<unknown> {
  const text = await readTextIfExists(path);
  return text === undefined ? undefined : parseJson(text, path);
}

/**
 * Removes what writers killed inside {@link writeFileAtomic} left in `directory` and gives the removed paths. Call it
 * while holding the lock of that directory: a write in progress elsewhere would lose its file.
 */
export async function removeStaleTemporaries(directory: string): Promise<readonly string[]> {
  const removed: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      const path = `${directory}/${entry.name}`;
      if (entry.isFile && temporaryName.test(entry.name) && await removeIfExists(path)) removed.push(path);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return removed;
    throw systemError(error, `list ${directory}`);
  }
  return removed;
}

async function writeNew(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  let written = 0;
  while (written < bytes.length) written += await file.write(bytes.subarray(written));
  // The mode given to open(2) has been reduced by the umask.
  await Deno.chmod(path, mode);
  // Before the rename: otherwise ext4 and xfs may show the new name with no data after a power cut.
  await file.sync();
}

async function syncDirectory(directory: string, path: string): Promise<void> {
  try {
    using handle = await Deno.open(directory);
    await handle.sync();
  } catch (error) {
    throw systemError(error, `sync the directory of ${path}`);
  }
}
