/** argv → a command and the words of its flags, or an error that says what would have been right. Nothing is done here. */
import { GantryError } from "../base/errors.ts";
import { nearest } from "../base/suggest.ts";
import { type Command, longName } from "./command.ts";
import type { Flag } from "./flags.ts";
import { type Grammar, type OptionToken, tokenize } from "./tokens.ts";

/** The words of each flag that was given, by key, in order; `--no-x` counts as `x` with the word `false`. */
export type GivenFlags = ReadonlyMap<string, readonly string[]>;

/** What argv asks for. */
export type Parsed =
  | { readonly kind: "run"; readonly command: Command; readonly given: GivenFlags; readonly args: readonly string[] }
  | { readonly kind: "help"; readonly topic: string | undefined; readonly given: GivenFlags }
  | { readonly kind: "version"; readonly given: GivenFlags }
  | { readonly kind: "wrong"; readonly error: GantryError; readonly given: GivenFlags };

/** The words to parse with. */
export interface Language {
  readonly commands: readonly Command[];
  readonly globals: ReadonlyMap<string, Flag<unknown>>;
}

/** Parses `argv` (without the program's name). Does not throw: an error is a result, so that what was right is known too. */
export function parse(argv: readonly string[], language: Language): Parsed {
  const given = new Map<string, string[]>();
  try {
    return parseInto(given, { argv, language });
  } catch (error) {
    if (error instanceof GantryError) return { kind: "wrong", error, given };
    throw error;
  }
}

/** A {@link GantryError} for a wrong command line. */
export function usageError(message: string, hint?: string): GantryError {
  return new GantryError("invalid_argument", message, { hint });
}

function parseInto(
  given: Map<string, string[]>,
  { argv, language }: { readonly argv: readonly string[]; readonly language: Language },
): Parsed {
  const globals = new FlagSet([language.globals]);
  const top = tokenize(argv, globals.grammar(true));
  if (top.options.some((option) => option.name === "version")) return { kind: "version", given };
  const helpAsked = collectOptions(top.options, { set: globals, given, where: "gantry", language });
  const [word, ...rest] = top.positionals;
  if (word === undefined) return { kind: "help", topic: undefined, given };
  const found = findCommand(word, rest, language);
  if (found === undefined) {
    if (!language.commands.some((command) => command.name.startsWith(`${word} `))) throw unknownCommand(word, language);
    return parseGroup(word, { rest, given, globals, language });
  }
  if (helpAsked) return { kind: "help", topic: found.command.name, given };
  return parseCommand(found.command, { rest: found.rest, given, language });
}

/** A first word such as `config` without a second one that makes it a command: flags may stand between the two. */
function parseGroup(
  word: string,
  { rest, given, globals, language }: {
    readonly rest: readonly string[];
    readonly given: Map<string, string[]>;
    readonly globals: FlagSet;
    readonly language: Language;
  },
): Parsed {
  const inner = tokenize(rest, globals.grammar(true));
  const helpAsked = collectOptions(inner.options, { set: globals, given, where: `gantry ${word}`, language });
  const [second, ...after] = inner.positionals;
  if (second === undefined || helpAsked) return { kind: "help", topic: word, given };
  const found = findCommand(word, [second, ...after], language);
  if (found === undefined) throw unknownCommand(`${word} ${second}`, language);
  return parseCommand(found.command, { rest: found.rest, given, language });
}

function parseCommand(
  command: Command,
  { rest, given, language }: {
    readonly rest: readonly string[];
    readonly given: Map<string, string[]>;
    readonly language: Language;
  },
): Parsed {
  const set = new FlagSet([command.flags, language.globals]);
  const { options, positionals } = tokenize(rest, set.grammar(command.passThrough === true));
  if (options.some((option) => set.find(option)?.key === "help")) return { kind: "help", topic: command.name, given };
  collectOptions(options, { set, given, where: `gantry ${command.name}`, language });
  checkPositionals(command, positionals);
  return { kind: "run", command, given, args: positionals };
}

function findCommand(
  word: string,
  rest: readonly string[],
  { commands }: Language,
): { readonly command: Command; readonly rest: readonly string[] } | undefined {
  const long = commands.find((command) => command.name === `${word} ${rest[0] ?? ""}`);
  if (long !== undefined) return { command: long, rest: rest.slice(1) };
  const short = commands.find((command) => command.name === word);
  return short === undefined ? undefined : { command: short, rest };
}

/** Puts the options' words into `given`; true when help was asked for, which then wins over anything that is wrong. */
function collectOptions(
  options: readonly OptionToken[],
  { set, given, where, language }: {
    readonly set: FlagSet;
    readonly given: Map<string, string[]>;
    readonly where: string;
    readonly language: Language;
  },
): boolean {
  const helpAsked = options.some((option) => set.find(option)?.key === "help");
  for (const option of options) {
    const found = set.find(option);
    if (found === undefined) {
      if (helpAsked) continue;
      throw unknownFlag(option, { set, where, language });
    }
    if (found.key !== "help") addWord(option, { found, given, where });
  }
  return helpAsked;
}

interface FoundFlag {
  readonly key: string;
  readonly flag: Flag<unknown>;
  readonly negated: boolean;
}

function addWord(
  option: OptionToken,
  { found: { key, flag, negated }, given, where }: {
    readonly found: FoundFlag;
    readonly given: Map<string, string[]>;
    readonly where: string;
  },
): void {
  const words = given.get(key) ?? [];
  if (flag.kind === "boolean") {
    if (negated && option.value !== undefined) {
      throw usageError(`${option.typed} takes no value`, `write ${option.typed} alone`);
    }
    const word = negated ? "false" : option.value ?? "true";
    if (words.length > 0 && words[0] !== word) {
      throw usageError(`--${longName(key)} is given twice, with different values`, "give it once");
    }
    given.set(key, [word]);
    return;
  }
  if (option.value === undefined) {
    throw usageError(
      `${option.typed} needs a value: ${option.typed} ${flag.placeholder ?? "VALUE"}`,
      `see "${where} --help"`,
    );
  }
  if (words.length > 0 && !flag.repeatable) {
    throw usageError(
      `--${longName(key)} is given twice: ${JSON.stringify(words[0])} and ${JSON.stringify(option.value)}`,
      "give it once",
    );
  }
  given.set(key, [...words, option.value]);
}

function checkPositionals(command: Command, args: readonly string[]): void {
  const { positionals, name } = command;
  const see = `see "gantry ${name} --help"`;
  const missing = positionals[args.length];
  if (missing !== undefined && missing.optional !== true) {
    throw usageError(
      `gantry ${name} needs ${missing.many === true ? `at least one ${missing.name}` : `a value for ${missing.name}`}`,
      see,
    );
  }
  const excess = args[positionals.length];
  if (excess === undefined || positionals.at(-1)?.many === true) return;
  const takes = ["no arguments", "at most one argument"][positionals.length] ??
    `at most ${positionals.length} arguments`;
  throw usageError(`gantry ${name} takes ${takes}, but there is ${JSON.stringify(excess)}`, see);
}

function unknownFlag(
  option: OptionToken,
  { set, where, language }: { readonly set: FlagSet; readonly where: string; readonly language: Language },
): GantryError {
  const message = `unknown flag ${option.typed} for ${where}`;
  if (option.typed.startsWith("--")) {
    const near = nearest(option.name, set.longNames());
    if (near !== undefined) return usageError(message, `did you mean --${near}?`);
  }
  const owner = where !== "gantry"
    ? undefined
    : language.commands.find((each) => new FlagSet([each.flags]).find(option));
  if (owner !== undefined) {
    return usageError(message, `it is a flag of "gantry ${owner.name}" and goes after the command`);
  }
  return usageError(message, `see "${where} --help"`);
}

function unknownCommand(typed: string, { commands }: Language): GantryError {
  const near = nearest(typed, commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name));
  const hint = near === undefined ? 'see "gantry --help"' : `did you mean "gantry ${near}"?`;
  return usageError(`unknown command ${JSON.stringify(typed)}`, hint);
}

/** Flags by the names they go by; of two with the same name the one of the earlier map wins (`run -v` is a volume). */
class FlagSet {
  readonly #long = new Map<string, FoundFlag>();
  readonly #short = new Map<string, FoundFlag>();

  constructor(maps: readonly ReadonlyMap<string, Flag<unknown>>[]) {
    for (const [key, flag] of maps.flatMap((map) => [...map])) {
      const found = { key, flag, negated: false };
      setIfAbsent(this.#long, longName(key), found);
      if (flag.kind === "boolean") setIfAbsent(this.#long, `no-${longName(key)}`, { ...found, negated: true });
      if (flag.short !== undefined) setIfAbsent(this.#short, flag.short, found);
    }
  }

  find(option: OptionToken): FoundFlag | undefined {
    return (option.typed.startsWith("--") ? this.#long : this.#short).get(option.name);
  }

  longNames(): readonly string[] {
    return [...this.#long.keys()].filter((name) => this.#long.get(name)?.negated === false);
  }

  grammar(stopAtPositional: boolean): Grammar {
    const takesValue = (found: FoundFlag | undefined) =>
      found === undefined ? undefined : found.flag.kind !== "boolean";
    return {
      stopAtPositional,
      long: (name) => takesValue(this.#long.get(name)),
      short: (letter) => takesValue(this.#short.get(letter)),
    };
  }
}

function setIfAbsent(map: Map<string, FoundFlag>, name: string, found: FoundFlag): void {
  if (!map.has(name)) map.set(name, found);
}
