import { isRecord } from "../base/json.ts";
import type { LogFields, LogLevel } from "../base/log.ts";

/** One line of containerd's log, understood as far as it could be. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** What else the line says, without its time. */
  readonly fields: LogFields;
}

const levels: ReadonlyMap<string, LogLevel> = new Map([
  ["trace", "trace"],
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warning"],
  ["warning", "warning"],
  ["error", "error"],
  ["fatal", "fatal"],
  ["panic", "fatal"],
]);

/** A stack dump is one line of megabytes: it stays in the file, and only its beginning goes further. */
const maxMessage = 4096;

/** Go's runtime and containerd's own last words are plain text on stderr. */
const lastWords = /^(panic: |fatal error: |runtime: |SIG[A-Z]+: |containerd: |sh: |\/bin\/sh: )/;

/**
 * Reads a line of containerd's log: logrus text (`time="…" level=info msg="…" key=value`), logrus JSON, or anything
 * else, which is then the message itself, an error when it looks like the last words of a dying Go program.
 */
export function parseLogLine(line: string): LogLine {
  const text = line.trimEnd();
  return parseJsonLine(text) ?? parseTextLine(text) ??
    { level: lastWords.test(text) ? "error" : "info", message: cut(text), fields: {} };
}

function parseJsonLine(text: string): LogLine | undefined {
  if (!text.startsWith("{")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const level = typeof value["level"] === "string" ? levels.get(value["level"]) : undefined;
  if (level === undefined) return undefined;
  const { level: _level, time: _time, msg, ...fields } = value;
  return { level, message: cut(typeof msg === "string" ? msg : text), fields };
}

function parseTextLine(text: string): LogLine | undefined {
  if (!text.startsWith("time=") && !text.startsWith("level=")) return undefined;
  const pairs = parsePairs(text);
  const level = levels.get(pairs?.get("level") ?? "");
  if (pairs === undefined || level === undefined) return undefined;
  const message = pairs.get("msg") ?? text;
  for (const key of ["time", "level", "msg"]) pairs.delete(key);
  return { level, message: cut(message), fields: Object.fromEntries(pairs) };
}

// One pair: a key, then a quoted value as Go's strconv.Quote writes it, or a bare one.
const pair = /\s*([^\s=]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)/y;

/** The pairs of a logfmt line; undefined when some part of it is none. */
function parsePairs(text: string): Map<string, string> | undefined {
  const pairs = new Map<string, string>();
  pair.lastIndex = 0;
  while (pair.lastIndex < text.length) {
    const [, key, value] = pair.exec(text) ?? [];
    if (key === undefined || value === undefined) return undefined;
    pairs.set(key, value.startsWith('"') ? unquote(value) : value);
  }
  return pairs;
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);

/** Undoes Go's strconv.Quote. */
function unquote(quoted: string): string {
  const escape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs;
  return quoted.slice(1, -1).replace(escape, (_match, hex, short, long, octal, letter) => {
    const code = hex ?? short ?? long;
    if (code !== undefined) return fromCode(Number.parseInt(code, 16));
    if (octal !== undefined) return fromCode(Number.parseInt(octal, 8));
    return simpleEscapes.get(letter) ?? letter;
  });
}

function fromCode(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

function cut(text: string): string {
  return text.length <= maxMessage ? text : `${text.slice(0, maxMessage)}… (${text.length} characters)`;
}
