import { startFailureOf } from "../engine/start_failure.ts";

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
