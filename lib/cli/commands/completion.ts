import { command } from "../command.ts";

/** The shells there are scripts for. */
export const shells: readonly string[] = ["bash", "zsh", "fish"];

/** `gantry completion` */
export const completion = command({
  name: "completion",
  group: "General",
  summary: "Print the completion script of a shell",
  description: ["The script is static: completing a word does not start gantry."],
  examples: [
    { line: "source <(gantry completion bash)", does: "complete in this bash" },
    { line: "gantry completion zsh > /usr/local/share/zsh/site-functions/_gantry", does: "complete in every zsh" },
    { line: "gantry completion fish > ~/.config/fish/completions/gantry.fish", does: "complete in every fish" },
  ],
  positionals: [{ name: "SHELL", summary: shells.join(", "), words: () => shells }],
  flags: {},
  readsFile: false,
  load: () => import("./completion_action.ts"),
});
