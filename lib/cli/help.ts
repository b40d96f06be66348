/** Help, made from the table. */
import { type Command, type CommandGroup, envName, fileKey, flagMap, longName } from "./command.ts";
import type { Flag } from "./flags.ts";
import { globalFlags } from "./global_flags.ts";
import { definitionList, wrapText } from "./wrap.ts";

/** What help is made of. */
export interface HelpOptions {
  readonly commands: readonly Command[];
  /** Columns of the terminal; undefined for 80. */
  readonly columns: number | undefined;
}

const groups: readonly CommandGroup[] = ["Containers", "Daemon", "General"];

/** Help on a command, on a first word such as `config`, or, without a topic, on gantry. Undefined for an unknown topic. */
export function helpText(topic: string | undefined, { commands, columns }: HelpOptions): string | undefined {
  const width = Math.min(Math.max(columns ?? 80, 40), 100);
  if (topic === undefined) return joined(programHelp(commands, width));
  const command = commands.find((each) => each.name === topic);
  if (command !== undefined) return joined(commandHelp(command, width));
  const family = commands.filter((each) => each.name.startsWith(`${topic} `));
  return family.length === 0 ? undefined : joined(familyHelp(topic, { family, width }));
}

/** `gantry run [FLAGS] IMAGE [COMMAND…]` */
export function usageLine({ name, usage, positionals, passThrough }: Command): string {
  const words = positionals.map((each) => {
    const word = each.many === true ? `${each.name}…` : each.name;
    return each.optional === true ? `[${word}]` : word;
  });
  return ["gantry", name, usage ?? ["[FLAGS]", ...(passThrough === true ? ["[--]"] : []), ...words].join(" ")].join(
    " ",
  );
}

function programHelp(commands: readonly Command[], width: number): readonly string[] {
  return [
    "Usage: gantry [FLAGS] COMMAND [ARGUMENTS]",
    "",
    "Keeps a containerd alive and runs containers on it.",
    ...groups.flatMap((group) => {
      const members = commands.filter((command) => command.group === group && command.hidden !== true);
      if (members.length === 0) return [];
      return ["", `${group}:`, ...definitionList(members.map(({ name, summary }) => [name, summary]), width)];
    }),
    ...flagSection("Flags of every command:", { flags: flagMap(globalFlags), width }),
    "",
    ...wrapText('"gantry COMMAND --help" says more about a command.', width),
  ];
}

function familyHelp(
  topic: string,
  { family, width }: { readonly family: readonly Command[]; readonly width: number },
): readonly string[] {
  return [
    `Usage: gantry ${topic} COMMAND`,
    "",
    "Commands:",
    ...definitionList(family.map(({ name, summary }) => [name, summary]), width),
    ...exampleSection(family.flatMap((command) => command.examples)),
    "",
    ...wrapText(`"gantry ${topic} COMMAND --help" says more about a command.`, width),
  ];
}

function commandHelp(command: Command, width: number): readonly string[] {
  const { summary, description = [], positionals, flags, examples } = command;
  return [
    `Usage: ${usageLine(command)}`,
    "",
    ...wrapText(`${summary}.`, width),
    ...description.flatMap((paragraph) => ["", ...wrapText(paragraph, width)]),
    ...(positionals.length === 0
      ? []
      : ["", "Arguments:", ...definitionList(positionals.map((each) => [each.name, each.summary]), width)]),
    ...flagSection("Flags:", { flags, width }),
    ...settingNote(flags, width),
    ...exampleSection(examples),
    "",
    ...wrapText(`Flags of every command: ${globalNames()}; see "gantry --help".`, width),
  ];
}

function flagSection(
  title: string,
  { flags, width }: { readonly flags: ReadonlyMap<string, Flag<unknown>>; readonly width: number },
): readonly string[] {
  if (flags.size === 0) return [];
  return ["", title, ...definitionList([...flags].map(([key, flag]) => [flagTerm(key, flag), meaningOf(flag)]), width)];
}

/** `-e, --env KEY=VALUE` */
function flagTerm(key: string, flag: Flag<unknown>): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.kind === "boolean" ? "" : ` ${flag.placeholder ?? "VALUE"}`;
  return `${short}--${longName(key)}${value}`;
}

function meaningOf(flag: Flag<unknown>): string {
  const notes = [
    ...(flag.choices !== undefined && flag.placeholder !== flag.choices.join("|") ? [flag.choices.join(", ")] : []),
    ...(flag.repeatable ? ["repeatable"] : []),
    ...(flag.defaultText === undefined || flag.defaultText === "" ? [] : [`default: ${flag.defaultText}`]),
  ];
  return notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join("; ")})`;
}

function settingNote(flags: ReadonlyMap<string, Flag<unknown>>, width: number): readonly string[] {
  const keys = [...flags].filter(([, flag]) => flag.setting === true).map(([key]) => key);
  const [first] = keys;
  if (first === undefined) return [];
  const which = keys.length === flags.size ? "All of these" : keys.map((key) => `--${longName(key)}`).join(", ");
  const text = `Settings too: ${which}. Of --${longName(first)} the variable is ${envName(first)} and the key in the ` +
    `configuration file ${fileKey(first)}. A flag goes before a variable, a variable before the file.`;
  return ["", ...wrapText(text, width)];
}

function exampleSection(examples: Command["examples"]): readonly string[] {
  if (examples.length === 0) return [];
  return ["", "Examples:", ...examples.flatMap(({ line, does }) => [`  # ${does}`, `  ${line}`])];
}

function globalNames(): string {
  return Object.keys(globalFlags).map((key) => `--${longName(key)}`).join(", ");
}

function joined(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
