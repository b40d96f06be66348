import { GantryError } from "./errors.ts";
import type { LogFields, LogLevel } from "./log.ts";

/** One thing said, before it is a line. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
  readonly fields: LogFields;
}

const levelNames: Readonly<Record<LogLevel, string>> = {
  trace: "TRC",
  debug: "DBG",
  info: "INF",
  warning: "WRN",
  error: "ERR",
  fatal: "FTL",
};

const reserved: readonly string[] = ["time", "level", "logger", "message"];
const maxText = 8192;
const maxDepth = 6;
const maxItems = 100;

// Line ends of any script, terminal escapes (C0, DEL, C1) and marks that turn the direction of text: a value that came
// from outside must not start a line of its own, move the cursor, or hide what stands beside it.
// deno-lint-ignore no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** `2026-11-22T18:37:01.123Z INF supervisor: message key=value "quoted where needed"`: always one line. */
export function formatText(entry: LogEntry): string {
  const head = `${isoTime(entry.time)} ${levelNames[entry.level]} ${escapeUnsafe(entry.logger)}: ${
    escapeUnsafe(cut(entry.message))
  }`;
  const pairs = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${textKey(key)}=${textValue(value)}`);
  return head + pairs.join("");
}

/** One JSON object in one line. A field that is named like one of the four fixed ones gets a `_` behind its name. */
export function formatJson(entry: LogEntry): string {
  const fields = Object.entries(entry.fields)
    .map(([key, value]) => [reserved.includes(key) ? `${key}_` : key, plain(value)]);
  const head = {
    time: isoTime(entry.time),
    level: entry.level,
    logger: entry.logger,
    message: cut(entry.message),
  };
  return escapeUnsafe(JSON.stringify({ ...head, ...Object.fromEntries(fields) }));
}

function textKey(key: string): string {
  return key === "" ? '""' : escapeUnsafe(key).replace(/[\s="]/g, "_");
}

function textValue(value: unknown): string {
  if (value instanceof Error) return quoteIfNeeded(errorChain(value));
  const simple = plain(value);
  if (typeof simple === "string") return quoteIfNeeded(simple);
  return quoteIfNeeded(JSON.stringify(simple) ?? "null");
}

/** As logfmt does: only what a reader could misread gets quotes. */
function quoteIfNeeded(text: string): string {
  const safe = text !== "" && !/[\s="\\]/.test(text) && text.search(unsafe) < 0;
  return safe ? text : escapeUnsafe(JSON.stringify(text));
}

/** `[not_found] no such container; caused by NotFound: …; hint: …` */
function errorChain(error: Error): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  let next: unknown = error;
  while (next !== undefined && !seen.has(next) && parts.length < maxDepth) {
    seen.add(next);
    parts.push(cut(errorTitle(next)));
    next = next instanceof Error ? next.cause : undefined;
  }
  const hint = error instanceof GantryError && error.hint !== undefined ? `; hint: ${error.hint}` : "";
  return parts.join("; caused by ") + hint;
}

function errorTitle(error: unknown): string {
  if (error instanceof GantryError) return `[${error.code}] ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(plain(error));
}

/** Any value as one that JSON can hold, of bounded size, whatever it is made of. */
function plain(value: unknown, parents: readonly object[] = []): unknown {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "symbol":
      return cut(value.toString());
    case "function":
      return `[function ${value.name}]`;
    case "object":
      return value === null ? null : plainObject(value, parents);
    default:
      return value;
  }
}

function plainObject(value: object, parents: readonly object[]): unknown {
  if (parents.includes(value)) return "[circular]";
  if (parents.length >= maxDepth) return "[…]";
  const path = [...parents, value];
  try {
    if (value instanceof Error) return plainError(value, path);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
    if (value instanceof URL || value instanceof RegExp) return cut(String(value));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (value instanceof Map) return plainRecord([...value].map(([key, item]) => [String(key), item]), path);
    if (Array.isArray(value) || value instanceof Set) {
      const items: readonly unknown[] = [...value];
      const shown = items.slice(0, maxItems).map((item) => plain(item, path) ?? null);
      return items.length > maxItems ? [...shown, `[${items.length - maxItems} more]`] : shown;
    }
    return plainRecord(Object.entries(value), path);
  } catch {
    // A getter or a proxy that throws must not take the record down with it.
    return "[unreadable]";
  }
}

function plainRecord(entries: readonly (readonly [string, unknown])[], path: readonly object[]): unknown {
  const shown = entries.slice(0, maxItems).map(([key, item]) => [cut(key), plain(item, path)] as const);
  const more = entries.length > maxItems ? { "…": entries.length - maxItems } : {};
  return { ...Object.fromEntries(shown), ...more };
}

function plainError(error: Error, path: readonly object[]): unknown {
  const known = error instanceof GantryError;
  return {
    name: error.name,
    code: known ? error.code : undefined,
    message: cut(error.message),
    hint: known ? error.hint : undefined,
    cause: error.cause === undefined ? undefined : plain(error.cause, path),
    // Our own errors say what happened; of the others only the stack shows where they came from.
    stack: known ? undefined : cut(error.stack ?? ""),
  };
}

function cut(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText)}…(${text.length - maxText} more characters)`;
}

function escapeUnsafe(text: string): string {
  return text.replace(unsafe, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
