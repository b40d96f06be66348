/** The configuration file: TOML, flat, strict. smol-toml is loaded only when there is a file to read. */
import { GantryError, messageOf } from "../base/errors.ts";
import { nearest } from "../base/suggest.ts";
import { fileKey } from "./command.ts";
import type { Flag } from "./flags.ts";
import { absolutePath } from "./paths.ts";

/** What a file says. */
export interface SettingsFile {
  readonly path: string;
  /** By the flag's key (`oomScore`). */
  readonly entries: ReadonlyMap<string, { readonly words: readonly string[]; readonly line: number }>;
}

/** Which file. */
export interface FileChoice {
  /** Given with --config or GANTRY_CONFIG: it must exist. */
  readonly explicit: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
}

/** The path of the file that would be read. */
export function settingsPath({ explicit, env, uid }: FileChoice): string {
  if (explicit !== undefined) return absolutePath(explicit);
  if (uid === 0) return "/etc/gantry/config.toml";
  const home = env["XDG_CONFIG_HOME"];
  // The XDG specification says to ignore a relative path.
  return home?.startsWith("/") ? `${home}/gantry/config.toml` : `${env["HOME"] ?? ""}/.config/gantry/config.toml`;
}

/** Reads and checks the file; undefined when it is the default one and does not exist. */
export async function loadSettingsFile(
  choice: FileChoice,
  settings: ReadonlyMap<string, Flag<unknown>>,
): Promise<SettingsFile | undefined> {
  const path = settingsPath(choice);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && choice.explicit === undefined) return undefined;
    throw unreadable(path, error);
  }
  return { path, entries: await parseSettings(text, { path, settings }) };
}

/** The entries of a file's text. Errors name file and line, and the nearest right key. */
export async function parseSettings(
  text: string,
  { path, settings }: { readonly path: string; readonly settings: ReadonlyMap<string, Flag<unknown>> },
): Promise<SettingsFile["entries"]> {
  const { parse, TomlError } = await import("smol-toml");
  let table: Readonly<Record<string, unknown>>;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = "not TOML"] = error.message.split("\n");
    throw wrong(
      `${path}:${error.line}:${error.column}: ${reason.replace(/^Invalid TOML document: /, "not TOML: ")}`,
      error,
    );
  }
  const byFileKey = new Map([...settings].map(([key, flag]) => [fileKey(key), { key, flag }]));
  const entries = new Map<string, { readonly words: readonly string[]; readonly line: number }>();
  for (const [name, value] of Object.entries(table)) {
    const line = lineOf(name, text);
    const known = byFileKey.get(name);
    if (known === undefined) {
      const near = nearest(name.replaceAll("-", "_"), [...byFileKey.keys()]);
      throw new GantryError("invalid_argument", `${path}:${line}: unknown key ${JSON.stringify(name)}`, {
        hint: near === undefined ? `the keys are ${[...byFileKey.keys()].join(", ")}` : `did you mean ${near}?`,
      });
    }
    const words = known.flag.fromFile(value);
    const place = `${path}:${line}: ${name}`;
    if (words === undefined) throw wrong(`${place} = ${shown(value)} is not ${known.flag.expected}`);
    try {
      known.flag.read(words);
    } catch (error) {
      throw wrong(`${place}: ${messageOf(error)}`, error);
    }
    entries.set(known.key, { words, line });
  }
  return entries;
}

/** The first line that sets `name` or opens a table of that name, from 1: smol-toml does not keep positions. */
function lineOf(name: string, text: string): number {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^\\s*\\[{0,2}\\s*["']?${escaped}["']?\\s*[=.\\]]`);
  return text.split("\n").findIndex((line) => pattern.test(line)) + 1 || 1;
}

function shown(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  return JSON.stringify(value) ?? String(value);
}

function wrong(message: string, cause?: unknown): GantryError {
  return new GantryError("invalid_argument", message, { cause, hint: 'see "gantry config --help"' });
}

function unreadable(path: string, error: unknown): GantryError {
  if (error instanceof Deno.errors.NotFound) {
    return new GantryError("not_found", `the configuration file ${path} does not exist`, {
      hint: "name an existing file with --config or GANTRY_CONFIG, or neither to go without",
      cause: error,
    });
  }
  return new GantryError("permission_denied", `the configuration file ${path} cannot be read: ${messageOf(error)}`, {
    cause: error,
  });
}
