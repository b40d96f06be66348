/** Shell completion, made from the table: static scripts, so that a shell never has to start gantry to complete a word. */
import { type Command, flagMap, longName } from "./command.ts";
import type { Completion, Flag } from "./flags.ts";
import { globalFlags } from "./global_flags.ts";

/** A flag as completion sees it. */
export interface CompletableFlag {
  /** `--sig-proxy` */
  readonly long: string;
  /** `-m`, if there is one. */
  readonly short: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  /** Words to choose from; empty for none. */
  readonly words: readonly string[];
  readonly complete: Completion;
  readonly repeatable: boolean;
}

/** A command as completion sees it. */
export interface CompletableCommand {
  readonly name: string;
  /** Of `config show`, `show`; empty for a command of one word. */
  readonly secondWord: string;
  readonly summary: string;
  /** Its own flags. */
  readonly own: readonly CompletableFlag[];
  /** Its own flags and the global ones, its own first. */
  readonly flags: readonly CompletableFlag[];
  /** Words for its positionals. */
  readonly words: readonly string[];
  /** Files or directories for its positionals. */
  readonly complete: Completion;
  readonly passThrough: boolean;
}

/** What all three scripts are made of. */
export interface CompletionModel {
  readonly commands: readonly CompletableCommand[];
  readonly globals: readonly CompletableFlag[];
  /** First words: of `config show` and `config path`, `config` once; with what they do. */
  readonly firstWords: readonly (readonly [word: string, summary: string])[];
  /** Second words by first word. */
  readonly families: ReadonlyMap<string, readonly CompletableCommand[]>;
}

/** The model of a table. */
export function completionModel(table: readonly Command[]): CompletionModel {
  const globals = [...flagMap(globalFlags)].map(([key, flag]) => completable(key, flag));
  const commands = table.filter(({ hidden }) => hidden !== true).map((command): CompletableCommand => {
    const own = [...command.flags].map(([key, flag]) => completable(key, flag));
    const taken = new Set(own.map((flag) => flag.short));
    const inherited = globals.map((flag) => taken.has(flag.short) ? { ...flag, short: undefined } : flag);
    const [first] = command.positionals;
    return {
      name: command.name,
      secondWord: command.name.split(" ")[1] ?? "",
      own,
      summary: command.summary,
      flags: [...own, ...inherited],
      words: command.positionals.flatMap((each) => each.words?.(table) ?? []),
      complete: first?.complete ?? (command.passThrough === true ? "file" : "none"),
      passThrough: command.passThrough === true,
    };
  });
  const families = new Map<string, CompletableCommand[]>();
  for (const command of commands.filter((each) => each.name.includes(" "))) {
    const [word = ""] = command.name.split(" ");
    families.set(word, [...families.get(word) ?? [], command]);
  }
  const single = commands.filter((each) => !each.name.includes(" ")).map(({ name, summary }) =>
    [name, summary] as const
  );
  const grouped = [...families].map(([word, family]) =>
    [word, family.map((each) => each.secondWord).join(", ")] as const
  );
  return { commands, globals, families, firstWords: [...single, ...grouped] };
}

function completable(key: string, flag: Flag<unknown>): CompletableFlag {
  return {
    long: `--${longName(key)}`,
    short: flag.short === undefined ? undefined : `-${flag.short}`,
    summary: flag.summary,
    takesValue: flag.kind !== "boolean",
    words: flag.choices ?? [],
    complete: flag.complete ?? "none",
    repeatable: flag.repeatable,
  };
}

/** The first words alone. */
export function firstWordsOf(model: CompletionModel): readonly string[] {
  return model.firstWords.map(([word]) => word);
}

/** Every way to write the flags that take a value: what a script skips together with the next word. */
export function valueNames(flags: readonly CompletableFlag[]): readonly string[] {
  return flags.filter((flag) => flag.takesValue).flatMap(namesOf);
}

/** `--memory` and `-m` */
export function namesOf(flag: CompletableFlag): readonly string[] {
  return flag.short === undefined ? [flag.long] : [flag.long, flag.short];
}
