/** Where a linted file stands in the project; rules speak about paths such as `lib/base/clock.ts`. */

const root = new URL("../../", import.meta.url).pathname;
const tops = /(?:^|\/)((?:lib|tests|scripts|proto)\/.*|main\.ts)$/;

/** The path from the project's folder. Files outside (a test's made-up names) are cut at their first top-level folder. */
export function sourcePath(filename: string): string {
  const path = filename.replace(/^file:\/\//, "");
  if (path.startsWith(root)) return path.slice(root.length);
  return tops.exec(path)?.[1] ?? path;
}

/** True for what ends up in the product. */
export function isProduct(path: string): boolean {
  return path === "main.ts" || path.startsWith("lib/");
}

/** Resolves a relative import against the importing file; undefined for packages and `node:` modules. */
export function importedPath(importer: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, `file:///${importer}`).pathname.slice(1);
}
