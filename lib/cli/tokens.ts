/**
 * Splits argv into options and positionals and decides nothing else. README.md compares the tokenizers of npm and says why
 * this one is ours; `tests/unit/cli/tokens_test.ts` holds it to node's own `parseArgs({ tokens: true })`.
 */

/** One option as it stood on the command line. */
export interface OptionToken {
  /** The name without dashes: `sig-proxy`, or one character for a short option. */
  readonly name: string;
  /** The option as typed, for messages: `--sig-proxy` or `-m`. */
  readonly typed: string;
  /** Undefined when there was none; the empty string when it was given and empty. */
  readonly value: string | undefined;
}

/** What {@link tokenize} found. */
export interface Tokens {
  /** In the order given. */
  readonly options: readonly OptionToken[];
  /** Everything else, in order, without a `--` that ended the options. */
  readonly positionals: readonly string[];
}

/** Which options take a value: true and false for known ones, undefined for unknown ones (then no value is taken). */
export interface Grammar {
  long(name: string): boolean | undefined;
  short(letter: string): boolean | undefined;
  /** Ends the options at the first positional, so that `run IMG sh -c …` leaves `-c` alone. */
  readonly stopAtPositional: boolean;
}

/** Splits `args`. Never throws: unknown options and missing values are for the caller to report. */
export function tokenize(args: readonly string[], grammar: Grammar): Tokens {
  const options: OptionToken[] = [];
  const positionals: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      positionals.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      if (grammar.stopAtPositional) {
        positionals.push(...args.slice(index));
        break;
      }
      positionals.push(arg);
      continue;
    }
    const token = arg.startsWith("--") ? longOption(arg, grammar) : shortOptions(arg, { grammar, options });
    if (token === undefined) continue;
    // The next argument is the value whatever it looks like: `--oom-score -999` and `--entrypoint --` mean what they say.
    if (token.wantsNext) index++;
    options.push({ name: token.name, typed: token.typed, value: token.wantsNext ? args[index] : token.value });
  }
  return { options, positionals };
}

interface Pending extends OptionToken {
  readonly wantsNext: boolean;
}

function longOption(arg: string, grammar: Grammar): Pending {
  const equals = arg.indexOf("=", 2);
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const value = equals < 0 ? undefined : arg.slice(equals + 1);
  return { name, typed: `--${name}`, value, wantsNext: value === undefined && grammar.long(name) === true };
}

/** Pushes all letters of a cluster but the last, which is returned because it may want the next argument. */
function shortOptions(
  arg: string,
  into: { readonly grammar: Grammar; readonly options: OptionToken[] },
): Pending | undefined {
  const letters = [...arg.slice(1)];
  for (const [at, letter] of letters.entries()) {
    const rest = letters.slice(at + 1).join("");
    const token = { name: letter, typed: `-${letter}` };
    if (into.grammar.short(letter) === true) {
      // As in docker, `-m=512m` and `-m512m` are the same.
      const value = rest.startsWith("=") ? rest.slice(1) : rest;
      return rest === "" ? { ...token, value: undefined, wantsNext: true } : { ...token, value, wantsNext: false };
    }
    if (rest.startsWith("=")) return { ...token, value: rest.slice(1), wantsNext: false };
    into.options.push({ ...token, value: undefined });
  }
  return undefined;
}
