/**
 * The part of Go's text/template that people paste from blogs into `--format`: fields, `json`, `upper`, `lower`, `title`,
 * `join`, `truncate`, `println`, pipelines, and docker's `table` form. Anything else is an error that says so.
 */
import { GantryError } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";
import { nearest } from "../base/suggest.ts";

/** A template ready to be filled. */
export interface Template {
  /** Aligned columns with a header made of the field names. */
  readonly table: boolean;
  /** Fills it from a record. A field that the record does not have is an error that names the nearest one. */
  render(record: Readonly<Record<string, unknown>>): string;
  /** The header of the table form. */
  header(titles: ReadonlyMap<string, string>): string;
}

type Operand = { readonly kind: "field"; readonly path: readonly string[] } | {
  readonly kind: "text";
  readonly text: string;
};
interface Call {
  /** Undefined for an operand alone. */
  readonly name: string | undefined;
  readonly operands: readonly Operand[];
}
type Part = string | readonly Call[];
type Fields = Readonly<Record<string, unknown>>;

const functions: Readonly<Record<string, (values: readonly unknown[]) => unknown>> = {
  json: ([value]) => JSON.stringify(value) ?? "null",
  upper: ([value]) => display(value).toUpperCase(),
  lower: ([value]) => display(value).toLowerCase(),
  title: ([value]) => display(value).replace(/\b\p{L}/gu, (letter) => letter.toUpperCase()),
  println: (values) => `${values.map(display).join(" ")}\n`,
  join: ([value, separator]) => Array.isArray(value) ? value.map(display).join(display(separator)) : display(value),
  truncate: ([value, length]) => [...display(value)].slice(0, Number(display(length))).join(""),
};

/** How many operands a function takes, the piped one included; one if not here. */
const operandCounts: Readonly<Record<string, number>> = { join: 2, truncate: 2 };

/** Reads a template; GantryError invalid_argument for what is not understood. */
export function parseTemplate(text: string): Template {
  const table = /^table(\s|$)/.test(text);
  const body = unescape(table ? text.replace(/^table\s*/, "") : text);
  const parts = splitParts(body);
  return {
    table,
    render: (record) => parts.map((part) => typeof part === "string" ? part : display(evaluate(part, record))).join(""),
    header: (titles) => parts.map((part) => typeof part === "string" ? part : headerOf(part, titles)).join(""),
  };
}

/** Go's field `.ID`, `.Names` finds `id`, `names`: the case of letters does not matter, since docker's differ from JSON's. */
export function lookUp(record: Fields, path: readonly string[]): unknown {
  let value: unknown = record;
  for (const [depth, name] of path.entries()) {
    const keys = isRecord(value) ? Object.keys(value) : [];
    const key = keys.find((each) => each === name) ?? keys.find((each) => each.toLowerCase() === name.toLowerCase());
    if (key === undefined || !isRecord(value)) {
      const near = nearest(name, keys) ?? nearest(name.toLowerCase(), keys);
      throw wrong(
        `there is no field .${path.slice(0, depth + 1).join(".")}`,
        near !== undefined
          ? `did you mean .${[...path.slice(0, depth), near].join(".")}?`
          : `the fields are ${keys.join(", ")}`,
      );
    }
    value = value[key];
  }
  return value;
}

function splitParts(body: string): readonly Part[] {
  const parts: Part[] = [];
  let rest = body;
  while (rest !== "") {
    const start = rest.indexOf("{{");
    if (start < 0) break;
    const end = closing(rest, start + 2);
    if (end < 0) throw wrong(`"{{" is never closed in ${JSON.stringify(body)}`);
    const inside = rest.slice(start + 2, end);
    const before = rest.slice(0, start);
    parts.push(inside.startsWith("- ") ? before.trimEnd() : before);
    const code = inside.replace(/^- /, "").replace(/ -$/, "").trim();
    if (!code.startsWith("/*")) parts.push(parsePipeline(code));
    rest = rest.slice(end + 2);
    if (inside.endsWith(" -")) rest = rest.trimStart();
  }
  return [...parts, rest].filter((part) => part !== "");
}

/** The place of the `}}` that ends an action; one inside a string literal does not. */
function closing(text: string, from: number): number {
  const found = /^(?:"(?:[^"\\]|\\.)*"|`[^`]*`|(?!\}\})[^])*?(?=\}\})/.exec(text.slice(from));
  return found === null ? -1 : from + found[0].length;
}

function parsePipeline(code: string): readonly Call[] {
  const calls = splitPipes(tokensOf(code)).map((tokens, index) => parseCall(tokens, { code, piped: index > 0 }));
  if (calls.length === 0) throw wrong('"{{}}" is empty');
  return calls;
}

function tokensOf(code: string): readonly string[] {
  const tokens = code.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|\||[^\s|"`]+/g) ?? [];
  const unquoted = tokens.join("").replace(/\s/g, "");
  if (unquoted.length !== code.replace(/\s/g, "").length) throw wrong(`a string is never closed in {{${code}}}`);
  return tokens;
}

function splitPipes(tokens: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  for (const token of tokens.length === 0 ? [] : ["|", ...tokens]) {
    if (token === "|") groups.push([]);
    else groups.at(-1)?.push(token);
  }
  return groups;
}

function parseCall(
  tokens: readonly string[],
  { code, piped }: { readonly code: string; readonly piped: boolean },
): Call {
  const [first, ...others] = tokens;
  if (first === undefined) throw wrong(`nothing follows "|" in {{${code}}}`);
  if (/^[.$"`\d]/.test(first)) {
    if (others.length > 0 || piped) throw wrong(`${first} in {{${code}}} is not a function`, functionHint(undefined));
    return { name: undefined, operands: [parseOperand(first, code)] };
  }
  if (!Object.hasOwn(functions, first)) {
    throw wrong(`{{${code}}} is not understood: no function ${first}`, functionHint(first));
  }
  const operands = others.map((token) => parseOperand(token, code));
  const wanted = operandCounts[first] ?? 1;
  if (operands.length + (piped ? 1 : 0) !== wanted && first !== "println") {
    throw wrong(`${first} in {{${code}}} takes ${wanted === 1 ? "one value" : `${wanted} values`}`);
  }
  return { name: first, operands };
}

function parseOperand(token: string, code: string): Operand {
  if (token.startsWith("`")) return { kind: "text", text: token.slice(1, -1) };
  if (token.startsWith('"')) return { kind: "text", text: literal(token, code) };
  if (/^\d+$/.test(token)) return { kind: "text", text: token };
  if (/^\$?\.$/.test(token)) return { kind: "field", path: [] };
  if (/^\$?(\.\w+)+$/.test(token)) return { kind: "field", path: token.replace(/^\$?\./, "").split(".") };
  throw wrong(`${token} in {{${code}}} is not understood`, "a value is .Field, a number, or text in double quotes");
}

function evaluate(calls: readonly Call[], record: Fields): unknown {
  let piped: readonly unknown[] = [];
  for (const { name, operands } of calls) {
    const values = operands.map((operand) => operand.kind === "text" ? operand.text : lookUp(record, operand.path));
    const call = name === undefined ? undefined : functions[name];
    // Go appends the piped value after the written ones, docker's functions take it first (`join .Names ","`,
    // `.Names | join ","` does not exist there), so first is what people mean.
    piped = [call === undefined ? values[0] : call([...piped, ...values])];
  }
  return piped[0];
}

function headerOf(calls: readonly Call[], titles: ReadonlyMap<string, string>): string {
  const operand = calls.flatMap((call) => call.operands).find((each) => each.kind === "field");
  const name = operand?.kind === "field" ? operand.path.at(-1) ?? "" : "";
  for (const [field, title] of titles) if (field.toLowerCase() === name.toLowerCase()) return title;
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toUpperCase();
}

/** A value as Go would print it, near enough: lists and maps as JSON, because Go's `[a b]` cannot be read back. */
function display(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A shell's single quotes leave `\t` and `\n` as two characters; docker turns them into what they mean, outside of `{{ }}`. */
function unescape(text: string): string {
  return text.replace(/\{\{.*?\}\}|\\([tn\\])/gs, (whole, letter: string | undefined) => {
    if (letter === undefined) return whole;
    return letter === "t" ? "\t" : letter === "n" ? "\n" : "\\";
  });
}

function literal(token: string, code: string): string {
  try {
    return String(JSON.parse(token));
  } catch (error) {
    throw wrong(`${token} in {{${code}}} is not a string`, undefined, error);
  }
}

function functionHint(name: string | undefined): string {
  const near = name === undefined ? undefined : nearest(name, Object.keys(functions));
  return near === undefined ? `the functions are ${Object.keys(functions).join(", ")}` : `did you mean ${near}?`;
}

function wrong(message: string, hint?: string, cause?: unknown): GantryError {
  return new GantryError("invalid_argument", `--format: ${message}`, { hint, cause });
}
