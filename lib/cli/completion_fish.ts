import { type CompletableFlag, type CompletionModel, valueNames } from "./completion.ts";

/** A script for fish: `gantry completion fish > ~/.config/fish/completions/gantry.fish`. */
export function fishCompletion(model: CompletionModel): string {
  const known = [...model.commands.map((each) => each.name), ...model.families.keys()];
  const words = [
    ...model.firstWords.map(([word, summary]) => offer("", { word, summary })),
    ...[...model.families].flatMap(([first, family]) =>
      family.map(({ secondWord, summary }) => offer(first, { word: secondWord, summary }))
    ),
    ...model.commands.flatMap(({ name, words }) => words.map((word) => offer(name, { word, summary: "" }))),
    ...model.commands.filter(({ complete, passThrough }) => complete !== "none" || passThrough).map((
      { name, complete },
    ) =>
      `complete -c gantry -n ${quoted(`__gantry_at ${quoted(name)}`)} ${complete === "directory" ? directories : "-F"}`
    ),
  ];
  const flags = [
    ...model.commands.flatMap(({ name, own }) => own.map((flag) => flagLine(flag, `__gantry_at ${quoted(name)}`))),
    ...model.globals.map((flag) => flagLine({ ...flag, short: undefined }, undefined)),
  ];
  const takes = model.commands.map(({ name, flags }) =>
    `    case ${quoted(name)}\n      set takes ${valueNames(flags).join(" ")}`
  );
  return `# fish completion for gantry; load it with: gantry completion fish | source

# Prints the command on the line so far: up, config show, or nothing.
function __gantry_command
  set -l known ${known.map(quoted).join(" ")}
  set -l command ''
  set -l skip no
  for word in (commandline -opc)[2..-1]
    if test $skip = yes
      set skip no
      continue
    end
    set -l takes ${valueNames(model.globals).join(" ")}
    switch $command
${takes.join("\n")}
    end
    switch $word
      case '-*'
        contains -- $word $takes; and set skip yes
      case '*'
        set -l longer (string trim -- "$command $word")
        contains -- $longer $known; or break
        set command $longer
    end
  end
  echo -- $command
end

function __gantry_at
  test (__gantry_command | string join '') = "$argv[1]"
end

complete -c gantry -f
${[...words, ...flags].join("\n")}
`;
}

const directories = "-a '(__fish_complete_directories)'";

function offer(at: string, { word, summary }: { readonly word: string; readonly summary: string }): string {
  const description = summary === "" ? "" : ` -d ${quoted(summary)}`;
  return `complete -c gantry -n ${quoted(`__gantry_at ${quoted(at)}`)} -a ${quoted(word)}${description}`;
}

function flagLine(flag: CompletableFlag, condition: string | undefined): string {
  const value = !flag.takesValue
    ? ""
    : flag.words.length > 0
    ? ` -x -a ${quoted(flag.words.join(" "))}`
    : flag.complete === "file"
    ? " -r -F"
    : flag.complete === "directory"
    ? ` -x ${directories}`
    : " -x";
  return [
    "complete -c gantry",
    ...(condition === undefined ? [] : [`-n ${quoted(condition)}`]),
    ...(flag.short === undefined ? [] : [`-s ${flag.short.slice(1)}`]),
    `-l ${flag.long.slice(2)}${value}`,
    `-d ${quoted(flag.summary)}`,
  ].join(" ");
}

/** In fish's single quotes only the quote and the backslash are special. */
function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
