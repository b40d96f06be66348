/** Which gantry the tests run as a program. */
import { projectDir } from "./versions.ts";

let found: readonly string[] | undefined;

/**
 * Program and first arguments: GANTRY_BINARY when it is set (`source` for the sources), else dist/gantry when it is
 * not older than the sources, else the sources. A stale executable is never tested by mistake.
 */
export function gantryProgram(): readonly string[] {
  return found ??= findProgram();
}

function findProgram(): readonly string[] {
  const chosen = Deno.env.get("GANTRY_BINARY") ?? "";
  if (chosen !== "" && chosen !== "source") return [Deno.realPathSync(chosen)];
  const built = `${projectDir}dist/gantry`;
  if (chosen === "" && timeOf(built) >= newestSource()) return [built];
  return [Deno.execPath(), "run", "--allow-all", "--no-prompt", "--quiet", `${projectDir}main.ts`];
}

function newestSource(): number {
  return Math.max(timeOf(`${projectDir}main.ts`), newestIn(`${projectDir}lib`), newestIn(`${projectDir}proto/gen`));
}

function newestIn(folder: string): number {
  let newest = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    newest = Math.max(newest, isDirectory ? newestIn(path) : timeOf(path));
  }
  return newest;
}

function timeOf(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch {
    return -1;
  }
}
