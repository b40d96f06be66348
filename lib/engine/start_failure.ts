import { GantryError } from "../base/errors.ts";

/** Why a process could not be started, as far as its exit code goes. */
export type StartFailure = "command_not_found" | "command_not_executable";

/**
 * Texts of runc (1.0–1.3) and crun by which a shim reports that the program itself cannot be run. Nothing better is
 * there: containerd passes on the last line of the runtime's log as a string with the class "unknown".
 */
const patterns: readonly { readonly text: RegExp; readonly failure: StartFailure }[] = [
  { text: /exec: "[^"]*": executable file not found in \$PATH/, failure: "command_not_found" },
  { text: /exec: "[^"]*": (?:stat|lstat|open)? ?[^:]*:? ?no such file or directory/, failure: "command_not_found" },
  { text: /executable file [`'"][^`'"]*[`'"] not found/, failure: "command_not_found" },
  { text: /exec: "[^"]*": .*not a directory/, failure: "command_not_found" },
  {
    text: /exec: "[^"]*": .*(?:permission denied|is a directory|exec format error)/,
    failure: "command_not_executable",
  },
  {
    text: /(?:open executable|execve?)[^:]*: (?:Permission denied|Exec format error|Is a directory)/,
    failure: "command_not_executable",
  },
];

/** What kind of failure to start an error is; undefined when it is none of the program's own. */
export function startFailureOf(error: unknown): StartFailure | undefined {
  if (!(error instanceof GantryError)) return undefined;
  return patterns.find(({ text }) => text.test(error.message))?.failure;
}
