/** The kinds of flags. A flag knows its text, its syntax and its type; nothing else in the CLI does. */
import { parseBytes } from "../base/bytes.ts";
import { parseDuration } from "../base/duration.ts";
import { messageOf } from "../base/errors.ts";
import { nearest } from "../base/suggest.ts";

/** What is written after a flag. */
export type FlagKind = "boolean" | "string" | "list" | "number" | "duration" | "bytes" | "choice" | "keyValue";

/** What a shell offers for the value of a flag or a positional. */
export type Completion = "file" | "directory" | "none";

/** What the author of a flag says about it. Its long name comes from its key: `sigProxy` is `--sig-proxy`. */
export interface FlagText {
  /** One line for `--help`, without a full stop. */
  readonly summary: string;
  /** One letter. */
  readonly short?: string | undefined;
  /** What stands for the value in help, e.g. `DIR`; the default follows from the kind. */
  readonly placeholder?: string | undefined;
  /** Also read from `GANTRY_<NAME>` and from `<name>` in the configuration file. */
  readonly setting?: boolean | undefined;
  /** Further environment variables, asked after `GANTRY_<NAME>`. */
  readonly env?: readonly string[] | undefined;
  /** Offered by shell completion; default none. */
  readonly complete?: Completion | undefined;
  /** Said in help in place of the default value, e.g. `the terminal's`. */
  readonly defaultText?: string | undefined;
}

/** A flag whose value is a `T`. */
export interface Flag<T> extends FlagText {
  readonly kind: FlagKind;
  /** May be given several times. */
  readonly repeatable: boolean;
  /** The form of a value as messages say it: `a duration such as 30s`. */
  readonly expected: string;
  /** The allowed values of a choice. */
  readonly choices?: readonly string[] | undefined;
  /** The default as it would be written after the flag; undefined when there is none that can be. */
  readonly defaultWord: string | undefined;
  /** The value of what was given, in order; of nothing, the default. RangeError for a value of the wrong form. */
  read(values: readonly string[]): T;
  /** A value of the configuration file as the words the flag would have had; undefined when it has the wrong type. */
  fromFile(value: unknown): readonly string[] | undefined;
}

/** On or off; `--no-NAME` and `--NAME=false` switch it off. */
export function booleanFlag(text: FlagText & { readonly default?: boolean | undefined }): Flag<boolean> {
  return {
    ...text,
    kind: "boolean",
    repeatable: false,
    expected: "true or false",
    defaultText: text.defaultText ?? (text.default === true ? "on" : undefined),
    defaultWord: String(text.default ?? false),
    read: ([value]) => value === undefined ? text.default ?? false : readBoolean(value),
    fromFile: (value) => typeof value === "boolean" ? [String(value)] : undefined,
  };
}

/** Any text. */
export function stringFlag(text: FlagText & { readonly default: string }): Flag<string>;
export function stringFlag(text: FlagText): Flag<string | undefined>;
export function stringFlag(text: FlagText & { readonly default?: string }): Flag<string | undefined> {
  return {
    placeholder: "TEXT",
    ...text,
    kind: "string",
    repeatable: false,
    expected: "a string",
    defaultText: text.defaultText ?? text.default,
    defaultWord: text.default,
    read: ([value]) => value ?? text.default,
    fromFile: (value) => typeof value === "string" ? [value] : undefined,
  };
}

/** Text that may be given several times. */
export function listFlag(text: FlagText): Flag<readonly string[]> {
  return {
    placeholder: "TEXT",
    ...text,
    kind: "list",
    repeatable: true,
    defaultWord: undefined,
    expected: "a list of strings",
    read: (values) => values,
    fromFile: stringsOf,
  };
}

/** `KEY=VALUE`, several times; a later one wins, a `KEY` alone has the empty value. */
export function keyValueFlag(text: FlagText): Flag<Readonly<Record<string, string>>> {
  return {
    placeholder: "KEY=VALUE",
    ...text,
    kind: "keyValue",
    repeatable: true,
    defaultWord: undefined,
    expected: "KEY=VALUE",
    // Object.fromEntries defines own properties, so that a key named __proto__ is a key like any other.
    read: (values) => Object.fromEntries(values.map(readPair)),
    fromFile: stringsOf,
  };
}

/** The bounds of a {@link numberFlag}. */
export interface NumberBounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Accepts decimals; default integers only. */
  readonly fraction?: boolean | undefined;
}

/** A decimal number within bounds. */
export function numberFlag(text: FlagText & NumberBounds & { readonly default: number }): Flag<number>;
export function numberFlag(text: FlagText & NumberBounds): Flag<number | undefined>;
export function numberFlag(text: FlagText & NumberBounds & { readonly default?: number }): Flag<number | undefined> {
  const expected = numberForm(text);
  const pattern = text.fraction === true ? /^[+-]?(\d+(\.\d*)?|\.\d+)$/ : /^[+-]?\d+$/;
  const { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = text;
  return {
    placeholder: "N",
    ...text,
    kind: "number",
    repeatable: false,
    expected,
    defaultText: text.defaultText ?? text.default?.toString(),
    defaultWord: text.default?.toString(),
    read([value]) {
      if (value === undefined) return text.default;
      const number = pattern.test(value) ? Number(value) : NaN;
      if (!(number >= min && number <= max)) throw wrongForm(value, expected);
      return number;
    },
    fromFile: (value) => typeof value === "number" || typeof value === "bigint" ? [String(value)] : undefined,
  };
}

/** A duration such as `30s`, in milliseconds; a bare number is seconds. */
export function durationFlag(text: FlagText & { readonly default: string }): Flag<number>;
export function durationFlag(text: FlagText): Flag<number | undefined>;
export function durationFlag(text: FlagText & { readonly default?: string }): Flag<number | undefined> {
  return measured({
    placeholder: "DURATION",
    ...text,
    kind: "duration",
    expected: "a duration such as 500ms, 30s or 1m30s",
  }, parseDuration);
}

/** A size such as `512m`, in bytes; units are powers of 1024 as in docker. */
export function bytesFlag(text: FlagText & { readonly default: string }): Flag<number>;
export function bytesFlag(text: FlagText): Flag<number | undefined>;
export function bytesFlag(text: FlagText & { readonly default?: string }): Flag<number | undefined> {
  return measured(
    { placeholder: "SIZE", ...text, kind: "bytes", expected: "a size such as 512k, 64m or 1g" },
    parseBytes,
  );
}

/** One of a few words. */
export function choiceFlag<const C extends string>(
  text: FlagText & { readonly choices: readonly C[]; readonly default: NoInfer<C> },
): Flag<C>;
export function choiceFlag<const C extends string>(
  text: FlagText & { readonly choices: readonly C[] },
): Flag<C | undefined>;
export function choiceFlag<const C extends string>(
  text: FlagText & { readonly choices: readonly C[]; readonly default?: C },
): Flag<C | undefined> {
  const expected = `one of ${text.choices.join(", ")}`;
  return {
    placeholder: text.choices.join("|"),
    ...text,
    kind: "choice",
    repeatable: false,
    expected,
    defaultText: text.defaultText ?? text.default,
    defaultWord: text.default,
    read([value]) {
      if (value === undefined) return text.default;
      const found = text.choices.find((choice) => choice === value);
      if (found !== undefined) return found;
      const near = nearest(value, text.choices);
      throw wrongForm(value, near === undefined ? expected : `${expected}; did you mean ${near}?`);
    },
    fromFile: (value) => typeof value === "string" ? [value] : undefined,
  };
}

function measured(
  text: FlagText & { readonly kind: FlagKind; readonly expected: string; readonly default?: string },
  parse: (value: string) => number,
): Flag<number | undefined> {
  return {
    ...text,
    repeatable: false,
    defaultText: text.defaultText ?? text.default,
    defaultWord: text.default,
    read([value = text.default]) {
      if (value === undefined) return undefined;
      try {
        return parse(value);
      } catch (error) {
        throw new RangeError(`${JSON.stringify(value)} is not ${text.expected}`, { cause: messageOf(error) });
      }
    },
    fromFile: (value) => typeof value === "string" || typeof value === "number" ? [String(value)] : undefined,
  };
}

function readBoolean(value: string): boolean {
  const word = value.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  if (["false", "0", "no", "off"].includes(word)) return false;
  throw wrongForm(value, "true or false");
}

function readPair(value: string): readonly [string, string] {
  const equals = value.indexOf("=");
  if (equals === 0 || value === "") throw wrongForm(value, "KEY=VALUE");
  return equals < 0 ? [value, ""] : [value.slice(0, equals), value.slice(equals + 1)];
}

function stringsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

function numberForm({ min, max, fraction }: NumberBounds): string {
  const noun = fraction === true ? "a number" : "an integer";
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  if (min !== undefined) return `${noun} of at least ${min}`;
  return max === undefined ? noun : `${noun} of at most ${max}`;
}

function wrongForm(value: string, expected: string): RangeError {
  return new RangeError(`${JSON.stringify(value)} is not ${expected}`);
}
