/** What a command is given to work with, and what the whole CLI is given by `main.ts` or by a test. */
import type { Clock } from "../base/clock.ts";
import type { Command } from "./command.ts";
import type { GlobalValues } from "./global_flags.ts";
import type { Output } from "./output.ts";
import type { SettingOrigin, SettingSources } from "./settings.ts";

/** Where text goes. */
export interface TextSink {
  /** Writes all of it. Throws {@link OutputClosed} when nobody reads any more. */
  write(text: string): void;
  /** True when a person looks at it. */
  readonly isTerminal: boolean;
}

/** The outside of the CLI: everything it touches beside its arguments. */
export interface CliIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Environment, read once. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Width of the terminal, in columns; undefined when there is none. */
  columns(): number | undefined;
  /** The user's id, which decides where the default configuration file is. */
  uid(): number;
  /** Calls `listener` at each of the named signals until the result is called. */
  onSignal(names: readonly Deno.Signal[], listener: (name: Deno.Signal) => void): () => void;
}

/** What a command is given beside what was asked for. */
export interface CliContext {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Values of the global flags, from flag, environment, file or default. */
  readonly settings: GlobalValues;
  /** Where the value of a global flag came from. */
  originOf(key: keyof GlobalValues): SettingOrigin;
  /** Where settings are looked for, for `gantry config`. */
  readonly sources: SettingSources;
  /** Prints results in the form asked for. */
  readonly output: Output;
  /** True when results and errors are JSON. */
  readonly json: boolean;
  /** Says something on stderr that is neither result nor error. */
  note(text: string): void;
  /**
   * Aborted at the first INT or TERM. The listeners are installed when this is first read, so a command that forwards
   * signals itself must not read it.
   */
  readonly signal: AbortSignal;
  /** The table, for help and completion. */
  readonly commands: readonly Command[];
  /** The outside, for what needs the terminal or signals itself. */
  readonly io: CliIo;
}

/** Nobody reads our output any more (EPIPE); the command ends quietly. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
