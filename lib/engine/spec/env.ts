import { GantryError } from "../../base/errors.ts";
import { readInput } from "./input_file.ts";

/** Looks a variable up in the environment of gantry; undefined when it is not set. */
export type EnvLookup = (name: string) => string | undefined;

/** Options of {@link parseEnvFile}. */
export interface EnvFileOptions {
  /** Gives the values of lines that are only a name. Default: the environment of this process. */
  readonly lookup?: EnvLookup | undefined;
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

const fromProcess: EnvLookup = (name) => Deno.env.get(name);

/**
 * One `-e`: `KEY=VALUE` as it is, or `KEY` with the value it has in our environment. Undefined when it is not set there.
 * Without a name, or with a NUL, it is `invalid_argument`; no message has the value.
 */
export function parseEnvFlag(text: string, lookup: EnvLookup = fromProcess): string | undefined {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "") {
    throw new GantryError("invalid_argument", "-e has no variable name", { hint: "write -e NAME=VALUE" });
  }
  if (text.includes("\0")) throw new GantryError("invalid_argument", `-e ${printable(name)} contains a NUL`);
  if (equals >= 0) return text;
  const value = lookup(name);
  return value === undefined ? undefined : `${name}=${value}`;
}

/**
 * The entries of an `--env-file` in docker's format, as `KEY=VALUE`: a line is `KEY=VALUE` or `KEY` (taken from our
 * environment, left out when it is not set there); empty lines, lines that start with `#`, leading white space and a byte
 * order mark are skipped. Nothing is unquoted or expanded.
 *
 * A line without a name, with white space in the name, or that is not UTF-8 is `invalid_argument` with the file and the
 * number of the line, but not its text: it may be a secret.
 */
export async function readEnvFile(path: string, options: EnvFileOptions = {}): Promise<readonly string[]> {
  const bytes = await readInput({ flag: "--env-file", path }, options);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const entries: string[] = [];
  let number = 0;
  for (const line of linesOf(bytes)) {
    number++;
    const refuse = (why: string): GantryError =>
      new GantryError("invalid_argument", `--env-file ${path}, line ${number}: ${why}`, {
        hint: "write NAME=VALUE, NAME alone or a # comment on each line",
      });
    let text: string;
    try {
      text = decoder.decode(line);
    } catch {
      throw refuse("not UTF-8");
    }
    const entry = parseLine(number === 1 ? text.replace(/^\uFEFF/, "") : text, {
      refuse,
      lookup: options.lookup ?? fromProcess,
    });
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Entries in order, a later one replacing an earlier of the same name at its place. */
export function mergeEnv(entries: Iterable<string>): readonly string[] {
  const byName = new Map<string, string>();
  for (const entry of entries) byName.set(envName(entry), entry);
  return [...byName.values()];
}

/** The name in `KEY=VALUE`. */
export function envName(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}

interface LineContext {
  readonly refuse: (why: string) => GantryError;
  readonly lookup: EnvLookup;
}

function parseLine(text: string, { refuse, lookup }: LineContext): string | undefined {
  const line = text.trimStart().replace(/\r$/, "");
  if (line === "" || line.startsWith("#")) return undefined;
  const name = envName(line);
  if (name === "") throw refuse("no variable name");
  if (/\s/.test(name)) throw refuse("white space in the name of a variable");
  if (line.includes("\0")) throw refuse("a NUL");
  if (line.length > name.length) return line;
  const value = lookup(name);
  return value === undefined ? undefined : `${name}=${value}`;
}

function* linesOf(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

function printable(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}
