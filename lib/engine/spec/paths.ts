/** A path without `.`, `..`, doubled and trailing slashes, by its text alone. Absolute paths stop at `/`. */
export function cleanPath(path: string): string {
  const absolute = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && (absolute || parts.length > 0) && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  const clean = parts.join("/");
  return absolute ? `/${clean}` : clean || ".";
}

/** `path` made absolute against `cwd` (default: the working directory) and cleaned. */
export function absolutePath(path: string, cwd: string = Deno.cwd()): string {
  return cleanPath(path.startsWith("/") ? path : `${cwd}/${path}`);
}
