import { nearest } from "../../base/suggest.ts";
import type { Invocation } from "../command.ts";
import { completionModel } from "../completion.ts";
import { bashCompletion } from "../completion_bash.ts";
import { fishCompletion } from "../completion_fish.ts";
import { zshCompletion } from "../completion_zsh.ts";
import type { CliContext } from "../context.ts";
import { usageError } from "../parse.ts";
import { shells } from "./completion.ts";

/** Prints the script. */
export function run({ args: [shell = ""] }: Invocation<unknown>, { output, commands }: CliContext): Promise<number> {
  const model = completionModel(commands);
  switch (shell) {
    case "bash":
      output.raw(bashCompletion(model));
      break;
    case "zsh":
      output.raw(zshCompletion(model));
      break;
    case "fish":
      output.raw(fishCompletion(model));
      break;
    default: {
      const near = nearest(shell, shells);
      throw usageError(
        `there is no completion for the shell ${JSON.stringify(shell)}`,
        near === undefined ? `the shells are ${shells.join(", ")}` : `did you mean ${near}?`,
      );
    }
  }
  return Promise.resolve(0);
}
