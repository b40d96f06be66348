import { errnoOf, systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import type { InstancePaths } from "./paths.ts";

const groupOrOthersMayWrite = 0o022;

/**
 * Makes the directories of an instance: state 0700, root 0711 (containers in user namespaces must pass through it to
 * their root filesystem), logs and temporary files 0700. A directory that somebody else can write to, owns, or has put
 * a symbolic link in place of is refused with `permission_denied`: its files decide what runs here as root.
 */
export async function prepareDirectories(paths: InstancePaths): Promise<void> {
  await ownDirectory(paths.root, 0o711);
  await ownDirectory(paths.state, 0o700);
  await ownDirectory(paths.logDirectory, 0o700);
  await ownDirectory(paths.containerdTemp, 0o700);
}

/** Fails unless the directory at `path` is one that only this user can change; true when there is one. */
export async function checkOwnDirectory(path: string): Promise<boolean> {
  let found: Deno.FileInfo;
  try {
    found = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw systemError(error, `look at ${path}`);
  }
  const { uid, mode } = found;
  if (found.isSymlink) throw refused(path, "is a symbolic link", "give the directory it leads to");
  if (!found.isDirectory) throw refused(path, "is not a directory", "move it away");
  if (uid !== null && uid !== Deno.uid()) {
    throw refused(path, `belongs to user ${uid}, not to user ${Deno.uid()}`, "give a directory of your own");
  }
  if (mode !== null && (mode & groupOrOthersMayWrite) !== 0) {
    const octal = (mode & 0o7777).toString(8).padStart(4, "0");
    throw refused(path, `can be written by others (mode ${octal})`, `chmod go-w ${path}, once you trust what is in it`);
  }
  return true;
}

async function ownDirectory(path: string, mode: number): Promise<void> {
  if (!await checkOwnDirectory(path)) {
    try {
      await Deno.mkdir(path, { recursive: true, mode });
    } catch (error) {
      // Another process may have made it; what it made is looked at below.
      if (errnoOf(error) !== "EEXIST") throw systemError(error, `make the directory ${path}`);
    }
    await checkOwnDirectory(path);
  }
  // An existing directory may be more open than ours, and the umask may have closed a new one more.
  await Deno.chmod(path, mode).catch((error) => {
    throw systemError(error, `set the mode of ${path}`);
  });
}

function refused(path: string, why: string, hint: string): GantryError {
  return new GantryError("permission_denied", `${path} ${why}`, { hint });
}
