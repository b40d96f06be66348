import { type CompletableFlag, type CompletionModel, firstWordsOf, namesOf, valueNames } from "./completion.ts";

/** A script that needs nothing beside bash 4. `--flag=value` is completed too, although bash splits words at `=`. */
export function bashCompletion(model: CompletionModel): string {
  const cases = [
    commandCase("", { flags: model.globals, words: firstWordsOf(model), kind: "none", pass: false }),
    ...[...model.families].map(([word, family]) =>
      commandCase(word, {
        flags: model.globals,
        words: family.map((each) => each.secondWord),
        kind: "none",
        pass: false,
      })
    ),
    ...model.commands.map((each) =>
      commandCase(each.name, { flags: each.flags, words: each.words, kind: each.complete, pass: each.passThrough })
    ),
  ];
  const values = model.commands.flatMap(({ name, own }) => own.flatMap((flag) => valueCase(name, flag)));
  return script
    .replace("@commands", () => cases.join("\n"))
    .replace("@values", () => [...values, ...model.globals.flatMap((flag) => valueCase("*", flag))].join("\n"));
}

interface CommandWords {
  readonly flags: readonly CompletableFlag[];
  readonly words: readonly string[];
  readonly kind: string;
  readonly pass: boolean;
}

function commandCase(name: string, { flags, words, kind, pass }: CommandWords): string {
  const text = (list: readonly string[]) => `"${list.join(" ")}"`;
  return `    ${JSON.stringify(name)}) words=${text(words)} kind=${kind} pass=${pass ? "yes" : "no"}\n` +
    `      takes=${text(valueNames(flags))}\n      flags=${text(flags.map((flag) => flag.long))} ;;`;
}

function valueCase(command: string, flag: CompletableFlag): readonly string[] {
  if (!flag.takesValue || (flag.words.length === 0 && flag.complete === "none")) return [];
  const patterns = namesOf(flag).map((name) => command === "*" ? `*" ${name}"` : `"${command} ${name}"`);
  return [`    ${patterns.join(" | ")}) words="${flag.words.join(" ")}" kind=${flag.complete} ;;`];
}

const script = `# bash completion for gantry; load it with: source <(gantry completion bash)

# $1: a command, or nothing. Sets flags, takes, words, kind and pass, or fails and sets nothing.
_gantry_command() {
  case "$1" in
@commands
    *) return 1 ;;
  esac
}

# $1: a command, $2: a flag. Sets words and kind.
_gantry_value() {
  words="" kind=none
  case "$1 $2" in
@values
  esac
}

_gantry_reply() {
  if [[ -n "$words" ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$1"))
  elif [[ "$kind" != none ]]; then
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    if [[ "$kind" == directory ]]; then COMPREPLY=($(compgen -d -- "$1")); else COMPREPLY=($(compgen -f -- "$1")); fi
  fi
}

_gantry() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" flag="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="" flags takes words kind pass i word
  COMPREPLY=()
  if [[ "$cur" == "=" ]]; then cur=""; elif [[ "$flag" == "=" ]]; then flag="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  _gantry_command ""
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ "$word" == -- ]]; then words="" kind=file; _gantry_reply "$cur"; return; fi
    if [[ "$word" == -* ]]; then
      if [[ "\${COMP_WORDS[i+1]}" == "=" ]]; then ((i += 2)); elif [[ " $takes " == *" $word "* ]]; then ((i++)); fi
    elif _gantry_command "\${command:+$command }$word"; then
      command="\${command:+$command }$word"
    elif [[ "$pass" == yes ]]; then
      words="" kind=file; _gantry_reply "$cur"; return
    fi
  done
  if [[ " $takes " == *" $flag "* ]]; then
    _gantry_value "$command" "$flag"; _gantry_reply "$cur"
  elif [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    _gantry_reply "$cur"
  fi
}

complete -F _gantry gantry
`;
