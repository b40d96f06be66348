import { parse, TomlError } from "smol-toml";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";

/** A TOML table. */
export type TomlTable = Record<string, unknown>;

/** Lists to which an extra configuration adds; every other array is replaced whole. */
const addedLists: readonly string[] = ["disabled_plugins", "imports"];

/** Keys that gantry decides, by their path in the document. Changing them would make containerd unreachable for us. */
const protectedKeys: readonly (readonly string[])[] = [
  ["root"],
  ["state"],
  ["grpc", "address"],
  ["ttrpc", "address"],
  ["plugins", "io.containerd.server.v1.grpc", "address"],
  ["plugins", "io.containerd.server.v1.ttrpc", "address"],
];

/** Reads a TOML file; its errors name the file and the line. */
export async function readTomlFile(path: string): Promise<TomlTable> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw systemError(error, `read ${path}`);
  });
  return parseToml(text, path);
}

/** Parses TOML; what is not TOML is `invalid_argument` naming `source` and the line. */
export function parseToml(text: string, source: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new GantryError("invalid_argument", `${source} line ${error.line}: ${error.message}`, { cause: error });
  }
}

/**
 * Lays `extra` over `base`: tables are merged key by key, `disabled_plugins` and `imports` are added to, anything else
 * is replaced. A key that gantry decides, or a table in place of a value and the other way round, is `invalid_argument`.
 */
export function mergeConfig(base: TomlTable, extra: TomlTable, source: string): TomlTable {
  for (const path of protectedKeys) {
    if (!has(extra, path)) continue;
    throw new GantryError("invalid_argument", `${source} sets ${path.join(".")}, which gantry decides`, {
      hint: path.includes("address") ? "use --address" : "use --root and --state",
    });
  }
  const wanted = base["version"];
  const found = extra["version"];
  if (found !== undefined && found !== wanted) {
    throw new GantryError(
      "invalid_argument",
      `${source} is written for configuration version ${found}; this containerd is given version ${wanted}`,
      { hint: "plugins have other names in other versions: `containerd config migrate` shows them" },
    );
  }
  return mergeTables(base, extra, { source, path: [] });
}

interface Place {
  readonly source: string;
  readonly path: readonly string[];
}

function mergeTables(base: TomlTable, extra: TomlTable, { source, path }: Place): TomlTable {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(extra)) {
    const before = merged.get(key);
    const here = [...path, key];
    if (before !== undefined && isTable(before) !== isTable(value)) {
      const kinds = isTable(before) ? "a table, not a value" : "a value, not a table";
      throw new GantryError("invalid_argument", `${source}: ${here.join(".")} must be ${kinds}`);
    }
    if (isTable(before) && isTable(value)) merged.set(key, mergeTables(before, value, { source, path: here }));
    else if (path.length === 0 && addedLists.includes(key) && Array.isArray(before) && Array.isArray(value)) {
      merged.set(key, [...new Set([...before, ...value])]);
    } else merged.set(key, value);
  }
  // From entries: a key named __proto__ stays a key.
  return Object.fromEntries(merged);
}

function isTable(value: unknown): value is TomlTable {
  return isRecord(value) && !(value instanceof Date);
}

function has(table: TomlTable, path: readonly string[]): boolean {
  let value: unknown = table;
  for (const key of path) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return false;
    value = value[key];
  }
  return true;
}
