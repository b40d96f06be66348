/** An outside of the CLI that remembers what was written to it. */
import type { CliIo } from "../../../lib/cli/context.ts";
import { OutputClosed } from "../../../lib/cli/context.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import type { Command } from "../../../lib/cli/command.ts";
import { runCli } from "../../../lib/cli/main.ts";

/** What a command line did. */
export interface Transcript {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the outside looks. */
export interface CapturedOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly commands?: readonly Command[];
  /** Nobody reads stdout. */
  readonly stdoutClosed?: boolean;
  readonly uid?: number;
}

/** Signals that a test sends to whoever listens. */
export class FakeSignals {
  readonly #listeners = new Map<Deno.Signal, Set<(name: Deno.Signal) => void>>();

  readonly onSignal: CliIo["onSignal"] = (names, listener) => {
    for (const name of names) this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
    return () => names.forEach((name) => this.#listeners.get(name)?.delete(listener));
  };

  send(name: Deno.Signal): void {
    for (const listener of [...this.#listeners.get(name) ?? []]) listener(name);
  }

  /** How many listeners there are for all signals. */
  get count(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }
}

/** The outside, and what was written so far. */
export class CapturedIo {
  stdout = "";
  stderr = "";
  readonly signals = new FakeSignals();
  readonly io: CliIo;

  constructor({ env, terminal = false, columns, stdoutClosed = false, uid = 1000 }: CapturedOptions = {}) {
    this.io = {
      stdout: {
        isTerminal: terminal,
        write: (text) => {
          if (stdoutClosed) throw new OutputClosed("nobody reads the output");
          this.stdout += text;
        },
      },
      stderr: { isTerminal: terminal, write: (text) => void (this.stderr += text) },
      // A home of nobody: the machine's own configuration must not reach a test.
      env: env ?? { HOME: "/nonexistent" },
      clock: systemClock,
      columns: () => columns,
      uid: () => uid,
      onSignal: this.signals.onSignal,
    };
  }
}

/** Runs a command line and gives back what it did. */
export async function transcript(argv: readonly string[], options: CapturedOptions = {}): Promise<Transcript> {
  const captured = new CapturedIo(options);
  const code = await runCli(argv, { io: captured.io, ...(options.commands && { commands: options.commands }) });
  return { code, stdout: captured.stdout, stderr: captured.stderr };
}
