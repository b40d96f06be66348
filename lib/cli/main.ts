/** The CLI as a function: arguments and an outside in, an exit code out. */
import { type Command, flagMap, readValues } from "./command.ts";
import { type CliContext, type CliIo, OutputClosed } from "./context.ts";
import { globalFlags } from "./global_flags.ts";
import { Interruption } from "./interruption.ts";
import { systemIo } from "./io.ts";
import { Output } from "./output.ts";
import { type GivenFlags, parse, type Parsed } from "./parse.ts";
import { exitCodeOf, outputGone, reportError, type ReportOptions, reportWarning } from "./report.ts";
import { settingFlags, settingReader, type SettingSources, sourceOf, unknownVariables } from "./settings.ts";
import { loadSettingsFile } from "./settings_file.ts";
import { commands as allCommands } from "./table.ts";

/** What a test may replace. */
export interface CliOptions {
  /** Default: the real one. */
  readonly io?: CliIo | undefined;
  /** Default: all of `table.ts`. */
  readonly commands?: readonly Command[] | undefined;
}

/**
 * Runs one command line (without the program's name) and resolves to its exit code: 0; 1 an operation failed; 125 nothing
 * was done or gantry itself failed; 128+n interrupted by signal n; 141 nobody reads stdout; `run` and `exec` pass on the
 * code of their process. Does not throw and does not exit.
 */
export async function runCli(argv: readonly string[], options: CliOptions = {}): Promise<number> {
  const { io = systemIo(), commands = allCommands } = options;
  const globals = flagMap(globalFlags);
  const parsed = parse(argv, { commands, globals });
  const run = new CliRun(parsed.given, { io, commands });
  using interruption = new Interruption(io);
  try {
    return await run.perform(parsed, interruption);
  } catch (error) {
    if (error instanceof OutputClosed) return outputGone;
    reportError(error, io.stderr, run.reporting);
    return interruption.exitCode ?? exitCodeOf(error, parsed.kind === "run" ? parsed.command.failureCode : 125);
  }
}

/** Tells an error that reached nobody, from `main.ts`, and gives its exit code. */
export function reportCrash(error: unknown, io: CliIo = systemIo()): number {
  reportError(error, io.stderr, { json: false, debug: isOn(io.env["GANTRY_DEBUG"]) });
  return 125;
}

class CliRun {
  readonly #io: CliIo;
  readonly #commands: readonly Command[];
  /** How errors are told: known from flags and environment before anything can fail, refined by the file. */
  reporting: ReportOptions;

  constructor(given: GivenFlags, { io, commands }: { readonly io: CliIo; readonly commands: readonly Command[] }) {
    this.#io = io;
    this.#commands = commands;
    const asked = (key: string, variable: string) => isOn(given.get(key)?.[0] ?? io.env[variable]);
    this.reporting = {
      json: asked("json", "GANTRY_JSON") || given.get("format")?.[0] === "json",
      debug: asked("debug", "GANTRY_DEBUG"),
    };
  }

  async perform(parsed: Parsed, interruption: Interruption): Promise<number> {
    switch (parsed.kind) {
      case "wrong":
        throw parsed.error;
      case "help":
        return await this.#showHelp(parsed.topic);
      case "version":
        return await this.#run({ command: this.#find("version"), given: parsed.given, args: [], interruption });
      case "run":
        return await this.#run({ ...parsed, interruption });
    }
  }

  async #showHelp(topic: string | undefined): Promise<number> {
    const { helpText } = await import("./help.ts");
    this.#io.stdout.write(helpText(topic, { commands: this.#commands, columns: this.#io.columns() }) ?? "");
    return 0;
  }

  async #run(
    { command, given, args, interruption }: {
      readonly command: Command;
      readonly given: GivenFlags;
      readonly args: readonly string[];
      readonly interruption: Interruption;
    },
  ): Promise<number> {
    const sources = await this.#sources(command, given);
    const read = settingReader(sources);
    const start = command.prepare(read);
    const context = this.#context(sources, interruption);
    return await start({ args, given: new Set(given.keys()) }, context);
  }

  async #sources(command: Command, given: GivenFlags): Promise<SettingSources> {
    const settings = settingFlags(this.#commands, flagMap(globalFlags));
    const { env } = this.#io;
    if (command.readsFile === false) return { given, env, file: undefined };
    for (const line of unknownVariables(env, settings)) reportWarning(line, this.#io.stderr, this.reporting);
    const explicit = settingReader({ given, env, file: undefined })("config", globalFlags.config);
    return { given, env, file: await loadSettingsFile({ explicit, env, uid: this.#io.uid() }, settings) };
  }

  #context(sources: SettingSources, interruption: Interruption): CliContext {
    const io = this.#io;
    const settings = readValues(globalFlags, settingReader(sources));
    this.reporting = { json: settings.json || settings.format === "json", debug: settings.debug };
    const output = new Output(io.stdout, { ...settings, env: io.env });
    return {
      stdout: io.stdout,
      stderr: io.stderr,
      env: io.env,
      clock: io.clock,
      settings,
      originOf: (key) => sourceOf(key, globalFlags[key], sources).origin,
      sources,
      output,
      json: output.json,
      note: (text) => io.stderr.write(`${text}\n`),
      get signal() {
        return interruption.signal;
      },
      commands: this.#commands,
      io,
    };
  }

  #find(name: string): Command {
    const found = this.#commands.find((command) => command.name === name);
    if (found === undefined) throw new TypeError(`the table has no command ${name}`);
    return found;
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && ["true", "1", "yes", "on"].includes(value.toLowerCase());
}
