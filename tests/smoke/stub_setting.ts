/** Portable executables made for tests, each with a folder of its own for the cache. */
import assert from "node:assert/strict";
import { bundle } from "../../scripts/compile/bundle.ts";
import { portable } from "../../scripts/compile/portable.ts";
import { projectDir } from "../support/versions.ts";

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A portable executable and a place for its cache. */
export interface StubSetting {
  /** A folder for the test. */
  readonly home: string;
  readonly executable: string;
  /** Where the executable keeps what it unpacks; not there yet. */
  readonly cache: string;
  /** Runs the executable to its end. */
  run(args?: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** Options of {@link StubSetting.run}. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  readonly cwd?: string | undefined;
  readonly uid?: number | undefined;
}

/**
 * In place of Deno: a script that prints its last argument, filled up to 3 MB that do not compress, so that the file system
 * of a test can be too small for it.
 */
const fakeRuntime = '#!/bin/sh\nfor last do :; done\nprintf "ran %s\\n" "$last"\nexit 7\n';

/** A setting with the fake runtime: for what the stub does before it hands over. */
export async function withFakeStub(body: (setting: StubSetting) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const noise = new Uint8Array(3_000_000);
    for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
    await Deno.writeFile(`${home}/runtime`, new Blob([fakeRuntime, noise]).stream());
    const files = [{ name: "main.js", contents: new TextEncoder().encode("none") }];
    const bytes = await portable({ files, deno: `${home}/runtime`, version: "0.0.0", cacheDir: `${home}/build` });
    await body(await settingOf(home, bytes));
  });
}

/** A setting with Deno and a program of the test's own (a path below tests/smoke): for what reaches the program. */
export async function withRealStub(entry: string, body: (setting: StubSetting) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const info = { version: "0.0.0", commit: "none", built: "portable" };
    const { files } = await bundle({
      entry: `${projectDir}tests/smoke/${entry}`,
      root: projectDir,
      info,
      opaqueImports: true,
    });
    const deno = await Deno.realPath(Deno.execPath());
    const bytes = await portable({ files, deno, version: "0.0.0", cacheDir: `${projectDir}.cache/portable` });
    await body(await settingOf(home, bytes));
  });
}

/** Names in a folder; empty when there is none. */
export function namesIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Runs a program to its end and fails when it does. */
export async function must(program: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Runs a program with input. */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(options.stdin ?? "")).catch(() => {}); // it need not read
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

async function withHome(body: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  await Deno.chmod(home, 0o755);
  try {
    await body(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

async function settingOf(home: string, bytes: Uint8Array): Promise<StubSetting> {
  const executable = `${home}/gantry`;
  const cache = `${home}/cache`;
  await Deno.writeFile(executable, bytes, { mode: 0o755 });
  return {
    home,
    executable,
    cache,
    run: (args = [], options = {}) =>
      runProgram(executable, args, { ...options, env: { GANTRY_CACHE: cache, ...options.env } }),
  };
}
