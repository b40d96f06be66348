/** What this gantry is and how to start it again: known at build time, or read off the source tree when run from it. */

/** Identity of a build. */
export interface BuildInfo {
  /** Version from deno.json, e.g. `0.1.0`. */
  readonly version: string;
  /** Short git commit, with `-dirty` when the tree had changes; `unknown` outside a repository. */
  readonly commit: string;
  /** Version of the Deno that runs it, e.g. `2.9.6`. */
  readonly deno: string;
  /** `compiled`: one executable by deno compile; `portable`: the self-unpacking one; `source`: deno run. */
  readonly built: "source" | "compiled" | "portable";
}

/** Replaced by `scripts/compile.ts`; not there when run from source. */
declare const GANTRY_BUILD: Omit<BuildInfo, "deno"> | undefined;

/** Set by {@link takeStubEnvironment}. */
let stubPath: string | undefined;

/** What this gantry is. */
export function buildInfo(): BuildInfo {
  const built = typeof GANTRY_BUILD === "undefined" ? undefined : GANTRY_BUILD;
  return { ...(built ?? { version: sourceVersion(), commit: "unknown", built: "source" }), deno: Deno.version.deno };
}

/** Program and first arguments that start this gantry again, to be followed by a command, whatever way it was built. */
export function selfCommand(): readonly [program: string, ...args: string[]] {
  if (stubPath !== undefined) return [stubPath];
  if (buildInfo().built === "compiled") return [Deno.execPath()];
  return [Deno.execPath(), "run", "--allow-all", "--quiet", new URL("../../main.ts", import.meta.url).pathname];
}

/**
 * Gives the portable executable the environment its user had. Its stub sets variables for Deno (a private code cache, no
 * update check) and hands over the user's own values, which neither gantry's children nor gantry may lose.
 * Called once, before anything else.
 */
export function takeStubEnvironment(): void {
  if (buildInfo().built !== "portable") return;
  const { env } = Deno;
  stubPath = env.get("GANTRY_STUB_PATH");
  for (const name of ["DENO_DIR", "DENO_NO_UPDATE_CHECK"]) {
    const saved = env.get(`GANTRY_STUB_${name}`) ?? "";
    if (saved === "") env.delete(name);
    else env.set(name, saved.slice(1)); // "=" and the value, so that an empty one is told from none
    env.delete(`GANTRY_STUB_${name}`);
  }
  env.delete("GANTRY_STUB_PATH");
}

function sourceVersion(): string {
  const text = Deno.readTextFileSync(new URL("../../deno.json", import.meta.url));
  return /"version":\s*"([^"]*)"/.exec(text)?.[1] ?? "unknown";
}
