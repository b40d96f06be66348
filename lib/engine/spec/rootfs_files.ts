import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";

/** As many symbolic links as the kernel follows in one path (path_resolution(7)). */
const maxLinks = 40;

/** Options of {@link readFileInRoot}. */
export interface ReadInRootOptions {
  /** A longer file is `resource_exhausted`. Default: 16 MiB. */
  readonly maxBytes?: number | undefined;
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The host path of `path` as a process chroot'ed to `root` would find it: absolute links start at `root` again and `..`
 * stops there, so `etc/passwd -> /etc/passwd` in an image never leads to the host's file. Missing parts are kept as they
 * are. More than 40 links are `failed_precondition`.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  return (await walk(root, path)).hostPath;
}

/**
 * The text of a regular file of a root filesystem, found by {@link resolveInRoot}; undefined when it does not exist. Bytes
 * that are not UTF-8 become U+FFFD. Anything but a regular file is `failed_precondition`: a FIFO would hang its reader.
 *
 * Whoever can change the root filesystem meanwhile can still point this elsewhere between the look and the read. All they
 * gain is to choose what is read here, and they could have written that into the file.
 */
export async function readFileInRoot(
  root: string,
  path: string,
  options: ReadInRootOptions = {},
): Promise<string | undefined> {
  const { maxBytes = 16 * 1024 * 1024, signal } = options;
  const { hostPath, info } = await walk(root, path);
  if (info === undefined) return undefined;
  if (!info.isFile) throw new GantryError("failed_precondition", `${hostPath} is not a regular file`);
  if (info.size > maxBytes) throw tooLarge(hostPath, maxBytes);
  try {
    return await readText(hostPath, maxBytes, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (isMissing(error)) return undefined;
    throw systemError(error, `read ${hostPath}`);
  }
}

interface Walked {
  readonly hostPath: string;
  /** What is there, which is no link; undefined for nothing. */
  readonly info: Deno.FileInfo | undefined;
}

async function walk(root: string, path: string): Promise<Walked> {
  const rest = path.split("/").reverse();
  const done: string[] = [];
  let info: Deno.FileInfo | undefined;
  let links = 0;
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      // Whatever is there is a directory, and that is all that matters of it.
      info = undefined;
      continue;
    }
    const hostPath = [root, ...done, part].join("/");
    info = await lstatIfExists(hostPath);
    if (info?.isSymlink !== true) {
      done.push(part);
      continue;
    }
    links++;
    if (links > maxLinks) {
      throw new GantryError("failed_precondition", `${path} in ${root} leads through more than ${maxLinks} links`);
    }
    const target = await readLink(hostPath);
    if (target.startsWith("/")) done.length = 0;
    rest.push(...target.split("/").reverse());
  }
  return { hostPath: [root, ...done].join("/"), info };
}

async function readText(path: string, maxBytes: number, signal: AbortSignal | undefined): Promise<string> {
  const bytes = await Deno.readFile(path, signal === undefined ? {} : { signal });
  if (bytes.length > maxBytes) throw tooLarge(path, maxBytes);
  return new TextDecoder().decode(bytes);
}

async function lstatIfExists(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw systemError(error, `look at ${path}`);
  }
}

async function readLink(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    throw systemError(error, `follow ${path}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

function tooLarge(path: string, maxBytes: number): GantryError {
  return new GantryError("resource_exhausted", `${path} is larger than ${maxBytes} bytes`);
}
