/** Paths as users type them. Not node:path: it costs a command more to load than these lines. */

/** An absolute path without `.`, `..`, doubled or trailing slashes; a relative one starts at the working directory. */
export function absolutePath(path: string, cwd?: string): string {
  const parts: string[] = [];
  const full = path.startsWith("/") ? path : `${cwd ?? Deno.cwd()}/${path}`;
  for (const part of full.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
