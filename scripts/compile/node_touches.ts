/**
 * Which chunks of a bundle load node polyfills: by importing a `node:` module, or by touching the globals `process` and
 * `Buffer`, whose getters load one at the first look.
 */
import { build, type BuildOptions } from "esbuild";

/** A chunk that loads node polyfills. */
export interface NodeTouch {
  /** File name of the chunk, without its hash. */
  readonly chunk: string;
  /** The source files in it that do so, e.g. `lib/rpc/grpc_transport.ts`. */
  readonly sources: readonly string[];
  /** E.g. `node:buffer`, `process`. */
  readonly names: readonly string[];
  /** True when the program's start loads the chunk, i.e. when no import() stands in between. */
  readonly atStart: boolean;
  /** Entry points of import() whose static imports reach the chunk, itself included. */
  readonly loadedBy: readonly string[];
}

/** A free global is renamed by `define`, a local variable of that name is not: so esbuild's scopes find the globals. */
const marks = { process: "GANTRY_TOUCHES_process", Buffer: "GANTRY_TOUCHES_Buffer" } as const;
const globals: Readonly<Record<string, string>> = {
  "process": marks.process,
  "globalThis.process": marks.process,
  "Buffer": marks.Buffer,
  "globalThis.Buffer": marks.Buffer,
};

/** Builds once more with marks and lists the chunks that carry one. */
export async function nodeTouches(settings: BuildOptions): Promise<readonly NodeTouch[]> {
  const result = await build({
    ...settings,
    define: { ...settings.define, ...globals },
    metafile: true,
    write: false,
  });
  const texts = new Map((result.outputFiles ?? []).map((file) => [baseName(file.path), file.text]));
  const outputs = new Map(Object.entries(result.metafile.outputs).map(([path, output]) => [baseName(path), output]));
  const statics = new Map([...outputs].map(([name, { imports }]) => [
    name,
    imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path),
  ]));
  const found: NodeTouch[] = [];
  for (const [name, text] of texts) {
    const names = [
      ...(statics.get(name) ?? []).filter((path) => path.startsWith("node:")),
      ...Object.keys(marks).filter((global) => text.includes(`GANTRY_TOUCHES_${global}`)),
    ];
    if (names.length === 0) continue;
    const importers = [...outputs].filter(([start]) => reaches(start, name, statics)).map(([start]) => start);
    found.push({
      chunk: name.replace(/-[A-Z0-9]{8}(?=\.js$)/, ""),
      sources: await sourcesThatName(
        names,
        Object.keys(outputs.get(name)?.inputs ?? {}),
        settings.absWorkingDir ?? ".",
      ),
      names: [...new Set(names)].sort(),
      atStart: importers.includes("main.js"),
      loadedBy: importers.map((start) => outputs.get(start)?.entryPoint).filter((entry) => entry !== undefined).sort(),
    });
  }
  return found.sort((a, b) => a.chunk < b.chunk ? -1 : 1);
}

/** Those of a chunk's sources that hold one of the names at all; the chunk's others only share it with them. */
async function sourcesThatName(
  names: readonly string[],
  sources: readonly string[],
  root: string,
): Promise<readonly string[]> {
  const words = new RegExp(`\\b(${names.map((name) => RegExp.escape(name)).join("|")})\\b`);
  const texts = await Promise.all(sources.map((source) => Deno.readTextFile(`${root}/${source}`).catch(() => "")));
  return sources.filter((_, index) => words.test(texts[index] ?? ""));
}

/**
 * What is wrong with a bundle: chunks that load polyfills at the start, or together with a module that is not known to be
 * slow. `allowed` are the sources that may, when they are behind an import().
 */
export function hotPathFaults(touches: readonly NodeTouch[], allowed: readonly string[]): readonly string[] {
  return touches.flatMap(({ chunk, names, atStart, loadedBy, sources }) => {
    const what = `${chunk} (${sources.join(", ")}) loads ${names.join(", ")}`;
    if (atStart) return [`${what} when the program starts`];
    const surprised = loadedBy.filter((entry) => !allowed.includes(entry));
    return surprised.length === 0 ? [] : [`${what} together with ${surprised.join(", ")}, which is not allowed to`];
  });
}

function reaches(start: string, target: string, statics: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === target) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...(statics.get(name) ?? []).map(baseName));
  }
  return false;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
