import { type CompletableCommand, type CompletableFlag, type CompletionModel } from "./completion.ts";

/** A script for zsh: as a file \`_gantry\` in \`$fpath\`, or by \`source <(gantry completion zsh)\`. */
export function zshCompletion(model: CompletionModel): string {
  const single = model.commands.filter((each) => !each.name.includes(" "));
  const families = [...model.families];
  const functions = [
    level("_gantry", {
      flags: model.globals,
      words: model.firstWords,
      cases: [
        ...single.map((each) => [each.name, functionName(each.name)] as const),
        ...families.map(([word]) => [word, functionName(word)] as const),
      ],
    }),
    ...families.map(([word, family]) =>
      level(functionName(word), {
        flags: model.globals,
        words: family.map((each) => [each.secondWord, each.summary] as const),
        cases: family.map((each) => [each.secondWord, functionName(each.name)] as const),
      })
    ),
    ...model.commands.map(leaf),
  ];
  return `#compdef gantry
# zsh completion for gantry; load it with: source <(gantry completion zsh)

${functions.join("\n\n")}

if [[ "$funcstack[1]" == _gantry ]]; then _gantry "$@"; else compdef _gantry gantry; fi
`;
}

interface Level {
  readonly flags: readonly CompletableFlag[];
  readonly words: readonly (readonly [word: string, summary: string])[];
  readonly cases: readonly (readonly [word: string, functionName: string])[];
}

/** A function that completes a word and hands what follows to the function of that word. */
function level(name: string, { flags, words, cases }: Level): string {
  const described = words.map(([word, summary]) => `    ${quoted(`${word}:${summary}`)}`);
  return `${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a choices
  choices=(
${described.join("\n")}
  )
  _arguments -C \\
${flags.map((flag) => `    ${flagSpec(flag)} \\`).join("\n")}
    '1: :->word' '*:: :->rest'
  case $state in
    word) _describe command choices ;;
    rest)
      case $line[1] in
${cases.map(([word, target]) => `        ${word}) ${target} ;;`).join("\n")}
      esac ;;
  esac
}`;
}

function leaf({ name, flags, words, complete, passThrough }: CompletableCommand): string {
  const action = words.length > 0 ? `(${words.join(" ")})` : actionOf(complete);
  const rest = passThrough ? "'*:: :_normal'" : `'*:argument:${action}'`;
  return `${functionName(name)}() {
  _arguments -s \\
${flags.map((flag) => `    ${flagSpec(flag)} \\`).join("\n")}
    ${rest}
}`;
}

/** `'(-m --memory)'{-m,--memory=}'[Limit]:SIZE:'` */
function flagSpec(flag: CompletableFlag): string {
  const exclusive = flag.short === undefined ? "" : quoted(`(${flag.short} ${flag.long})`);
  const before = flag.repeatable ? "'*'" : exclusive;
  const long = flag.takesValue ? `${flag.long}=` : flag.long;
  const names = flag.short === undefined ? long : `{${flag.short},${long}}`;
  const summary = `[${flag.summary.replace(/[[\]\\]/g, "\\$&")}]`;
  const value = flag.takesValue
    ? `:value:${flag.words.length > 0 ? `(${flag.words.join(" ")})` : actionOf(flag.complete)}`
    : "";
  return `${before}${names}${quoted(summary + value)}`;
}

function actionOf(complete: CompletableFlag["complete"]): string {
  return complete === "none" ? " " : complete === "directory" ? "_files -/" : "_files";
}

function functionName(name: string): string {
  return `_gantry_${name.replaceAll(/[ -]/g, "_")}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
