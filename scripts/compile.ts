/**
 * Builds dist/gantry, or the file named as argument: `deno compile` of the bundle, or, where the runtime base that it
 * downloads cannot be had, the portable executable. DENORT_BIN names a runtime base by hand. Both are the same program.
 */
import { type Bundle, bundle } from "./compile/bundle.ts";
import { hotPathFaults } from "./compile/node_touches.ts";
import { portable } from "./compile/portable.ts";
import { nodeAllowed } from "./lint/import_rules.ts";
import config from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url).pathname;

/** A download that hangs must not hang the build. */
const downloadSeconds = 60;

if (import.meta.main) await compile(Deno.args[0] ?? `${root}dist/gantry`);

async function compile(target: string): Promise<void> {
  const started = performance.now();
  const commit = await commitOfTree();
  const work = await Deno.makeTempDir({ dir: await folder(`${root}.cache`), prefix: "compile." });
  try {
    const failure = await compileNative(work, await bundleFor("compiled", commit));
    if (failure !== undefined) {
      console.log(`compile: no runtime base for deno compile (${failure}); building the portable executable instead`);
      const { files } = await bundleFor("portable", commit);
      const bytes = await portable({
        files,
        deno: await Deno.realPath(Deno.execPath()),
        version: config.version,
        cacheDir: `${root}.cache/portable`,
      });
      await Deno.writeFile(`${work}/gantry`, bytes, { mode: 0o755 });
    }
    await put(`${work}/gantry`, target);
    const { size } = await Deno.stat(target);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `compile: wrote ${target.replace(root, "")} (${failure === undefined ? "compiled" : "portable"}, ${
        (size / 2 ** 20).toFixed(1)
      } MiB, ${config.version} ${commit}) in ${seconds} s`,
    );
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The bundle; fails when a module that every command loads would wake node polyfills. */
async function bundleFor(built: "compiled" | "portable", commit: string): Promise<Bundle> {
  const made = await bundle({
    entry: `${root}main.ts`,
    root,
    info: { version: config.version, commit, built },
    // deno compile embeds what it can see; the portable one starts faster when Deno does not look ahead.
    opaqueImports: built === "portable",
  });
  const faults = hotPathFaults(made.touches, nodeAllowed.map(([path]) => path));
  if (faults.length > 0) {
    console.error(faults.map((fault) => `compile: ${fault}`).join("\n"));
    Deno.exit(1);
  }
  return made;
}

/** Why there is no runtime base, or undefined when the executable was made. Fails on any other trouble. */
async function compileNative(work: string, { files }: Bundle): Promise<string | undefined> {
  const source = await folder(`${work}/source`);
  for (const { name, contents } of files) await Deno.writeFile(`${source}/${name}`, contents);
  const output = await new Deno.Command(Deno.execPath(), {
    // No code cache: deno compile keeps it under a predictable name in a folder that everyone can write to.
    args: [
      ...["compile", "--quiet", "--no-code-cache", "--allow-all", "--no-prompt", "--no-config", "--no-lock"],
      ...["--no-check", "--no-npm", "--no-remote", "--output", `${work}/gantry`, `${source}/main.js`],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(downloadSeconds * 1000),
  }).output();
  if (output.success) return undefined;
  const said = new TextDecoder().decode(output.stderr);
  if (output.signal !== null) return `its download did not end within ${downloadSeconds} s`;
  if (/dns error/.test(said)) return "its host cannot be found";
  if (/error sending request|\bdenort\b/.test(said)) return "its download failed";
  throw new Error(`deno compile failed:\n${said}`);
}

/** By a rename: a running gantry keeps the file it was started from. */
async function put(made: string, target: string): Promise<void> {
  await folder(target.replace(/\/[^/]*$/, ""));
  const part = `${target}.${crypto.randomUUID().slice(0, 8)}`;
  await Deno.copyFile(made, part);
  await Deno.chmod(part, 0o755);
  await Deno.rename(part, target);
}

async function commitOfTree(): Promise<string> {
  const commit = await git("rev-parse", "--short=12", "HEAD");
  if (commit === undefined || commit === "") return "unknown";
  return (await git("status", "--porcelain")) === "" ? commit : `${commit}-dirty`;
}

async function git(...args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", { args: [...args], cwd: root, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined; // no git on this machine
  }
}

async function folder(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  return path;
}
