/** What a command is: a description that help, parsing and completion share, and a module that is loaded when it runs. */
import type { CliContext } from "./context.ts";
import type { Completion, Flag } from "./flags.ts";

/** The flags whose values are the fields of `V`. */
export type Flags<V> = { readonly [K in keyof V]: Flag<V[K]> };

/** The values of a set of flags: `ValuesOf<typeof psFlags>`. */
export type ValuesOf<F> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** Headings of `gantry --help`, in order. */
export type CommandGroup = "Containers" | "Daemon" | "General";

/** An argument that is not a flag. */
export interface Positional {
  /** In capitals, as help shows it. */
  readonly name: string;
  readonly summary: string;
  /** May be left out; default it is needed. */
  readonly optional?: boolean | undefined;
  /** Takes all that are left; only the last one may. */
  readonly many?: boolean | undefined;
  /** Offered by shell completion; default none. */
  readonly complete?: Completion | undefined;
  /** The words that completion offers, of the table it is made for. */
  readonly words?: ((commands: readonly Command[]) => readonly string[]) | undefined;
}

/** A command line to copy, and what it does. */
export interface Example {
  readonly line: string;
  readonly does: string;
}

/** A command as its author writes it. */
export interface CommandDefinition<V> {
  /** One or two words: `ps`, `config show`. */
  readonly name: string;
  readonly group: CommandGroup;
  /** One line, without a full stop. */
  readonly summary: string;
  /** More, for `--help`: paragraphs. */
  readonly description?: readonly string[] | undefined;
  /** What follows the name in the usage line; default it is made of flags and positionals. */
  readonly usage?: string | undefined;
  /** At least one. */
  readonly examples: readonly Example[];
  readonly positionals: readonly Positional[];
  readonly flags: Flags<V>;
  /** Left out of help and completion: for gantry itself. */
  readonly hidden?: boolean | undefined;
  /** Ends the flags at the first positional: what follows belongs to a program that is run. */
  readonly passThrough?: boolean | undefined;
  /** False for commands that must work beside a broken configuration file: they get flags and environment only. */
  readonly readsFile?: boolean | undefined;
  /** Exit code when the operation fails; default 1. `run` and `exec` use 125, because smaller codes are the process's. */
  readonly failureCode?: 1 | 125 | undefined;
  /** Imports the module that does the work, so that other commands do not pay for it. */
  load(): Promise<CommandModule<V>>;
}

/** The module behind a command. */
export interface CommandModule<V> {
  /** Does the work and resolves to the exit code. */
  run(invocation: Invocation<V>, context: CliContext): Promise<number>;
}

/** What was asked for. */
export interface Invocation<V> {
  /** Values of the command's own flags: given, from environment or file if they are settings, or default. */
  readonly flags: V;
  /** The positionals, of which there are as many as the command said. */
  readonly args: readonly string[];
  /** Keys of the flags that stood on the command line. */
  readonly given: ReadonlySet<string>;
}

/** Reads one flag's value from wherever it comes. */
export type ReadFlag = <T>(key: string, flag: Flag<T>) => T;

/** A command without the types of its flags: what the table holds. Made by {@link command}. */
export interface Command extends Omit<CommandDefinition<unknown>, "flags" | "load"> {
  /** By key (`sigProxy`), in the order of help. */
  readonly flags: ReadonlyMap<string, Flag<unknown>>;
  /** Reads all flags, and when all are right loads the module; resolves to what is left to do. */
  prepare(read: ReadFlag): (rest: InvocationRest, context: CliContext) => Promise<number>;
}

/** An {@link Invocation} without its flags. */
export type InvocationRest = Omit<Invocation<unknown>, "flags">;

/** Makes a table entry of a definition. */
export function command<V>(definition: CommandDefinition<V>): Command {
  const { load, flags, ...rest } = definition;
  return {
    ...rest,
    flags: flagMap(flags),
    prepare(read) {
      const values = readValues(flags, read);
      return async (invocation, context) => await (await load()).run({ ...invocation, flags: values }, context);
    },
  };
}

/** The flags by key. */
export function flagMap<V>(flags: Flags<V>): ReadonlyMap<string, Flag<unknown>> {
  const map = new Map<string, Flag<unknown>>();
  for (const key in flags) map.set(key, flags[key]);
  return map;
}

/** The values of all flags as one typed object. */
export function readValues<V>(flags: Flags<V>, read: ReadFlag): V {
  const values: Partial<V> = {};
  for (const key in flags) values[key] = read(key, flags[key]);
  if (!isComplete(values, flags)) throw new TypeError("a flag was not read");
  return values;
}

function isComplete<V>(values: Partial<V>, flags: Flags<V>): values is V {
  for (const key in flags) if (!(key in values)) return false;
  return true;
}

/** `sigProxy` as it is typed: `sig-proxy`. */
export function longName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `oomScore` as it stands in the configuration file: `oom_score`. */
export function fileKey(key: string): string {
  return longName(key).replaceAll("-", "_");
}

/** `oomScore` as an environment variable: `GANTRY_OOM_SCORE`. */
export function envName(key: string): string {
  return `GANTRY_${fileKey(key).toUpperCase()}`;
}
