/** A table with one command of every kind of flag, which says what it was given. */
import { type Command, command, type Invocation, type ValuesOf } from "../../../lib/cli/command.ts";
import { version } from "../../../lib/cli/commands/version.ts";
import type { CliContext } from "../../../lib/cli/context.ts";
import {
  booleanFlag,
  bytesFlag,
  choiceFlag,
  durationFlag,
  keyValueFlag,
  listFlag,
  numberFlag,
  stringFlag,
} from "../../../lib/cli/flags.ts";

const sampleFlags = {
  rm: booleanFlag({ summary: "Remove it" }),
  sigProxy: booleanFlag({ summary: "Pass on signals", default: true }),
  interactive: booleanFlag({ summary: "Pass on stdin", short: "i" }),
  tty: booleanFlag({ summary: "Terminal", short: "t" }),
  env: listFlag({ summary: "Set a variable", short: "e" }),
  volume: listFlag({ summary: "Mount", short: "v" }),
  label: keyValueFlag({ summary: "Label" }),
  memory: bytesFlag({ summary: "Limit", short: "m" }),
  oomScore: numberFlag({ summary: "Score", min: -1000, max: 1000, setting: true }),
  cpus: numberFlag({ summary: "CPUs", fraction: true, min: 0.01 }),
  stopTimeout: durationFlag({ summary: "Wait", default: "10s", setting: true }),
  network: choiceFlag({ summary: "Network", choices: ["none", "host"], default: "none", setting: true }),
  name: stringFlag({ summary: "Name", setting: true }),
} as const;

/** Names of the sample commands that were run. */
export const ran: string[] = [];

const sample = command({
  name: "sample",
  group: "Containers",
  summary: "Say what was given",
  examples: [{ line: "gantry sample x", does: "say x" }],
  positionals: [{ name: "COMMAND", summary: "What to run", many: true }],
  flags: sampleFlags,
  passThrough: true,
  failureCode: 125,
  load: () =>
    Promise.resolve({
      run({ flags, args, given }: Invocation<ValuesOf<typeof sampleFlags>>, { output }: CliContext) {
        ran.push("sample");
        output.one({ flags, args, given: [...given] }, (record) => JSON.stringify(record));
        return Promise.resolve(0);
      },
    }),
});

/** A command that ends as `run` says. */
export function acting(name: string, run: (context: CliContext, args: readonly string[]) => Promise<number>): Command {
  return command({
    name,
    group: "General",
    summary: `Does ${name}`,
    examples: [{ line: `gantry ${name}`, does: name }],
    positionals: [{ name: "THING", summary: "A thing", optional: true }],
    flags: {},
    load: () => Promise.resolve({ run: ({ args }: Invocation<unknown>, context: CliContext) => run(context, args) }),
  });
}

/** The table. */
export const sampleCommands: readonly Command[] = [
  version,
  sample,
  acting("config show", ({ output }) => {
    ran.push("config show");
    output.one({ shown: true }, () => "shown");
    return Promise.resolve(0);
  }),
  acting("config path", ({ output }, args) => {
    output.one({ args }, () => args.join());
    return Promise.resolve(0);
  }),
];
