import { startFailureOf } from "../engine/start_failure.ts";
import type { CliContext } from "./context.ts";
import { reportError } from "./report.ts";

/** The exit code for a program that could not be run: docker's 127 and 126; undefined for an error that is another's. */
export function startCodeOf(error: unknown): 126 | 127 | undefined {
  switch (startFailureOf(error)) {
    case "command_not_found":
      return 127;
    case "command_not_executable":
      return 126;
    case undefined:
      return undefined;
  }
}

/** Tells that a program could not be run and gives the exit code for it; throws an error that is another's. */
export function tellStartFailure(error: unknown, context: CliContext): 126 | 127 {
  const code = startCodeOf(error);
  if (code === undefined) throw error;
  reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
  return code;
}
