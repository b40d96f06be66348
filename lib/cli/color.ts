/** Colour, where it is wanted. */

/** The few styles there are. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow";

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Puts text into a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** What decides about colour. */
export interface ColorChoice {
  readonly color: "auto" | "always" | "never";
  readonly env: Readonly<Record<string, string>>;
  readonly isTerminal: boolean;
}

/**
 * `--color` wins; then NO_COLOR (not empty, as no-color.org has it); then FORCE_COLOR or CLICOLOR_FORCE (not empty, not 0);
 * then a terminal that is not `dumb`.
 */
export function wantsColor({ color, env, isTerminal }: ColorChoice): boolean {
  if (color !== "auto") return color === "always";
  if (isSet(env["NO_COLOR"])) return false;
  for (const force of [env["FORCE_COLOR"], env["CLICOLOR_FORCE"]]) {
    if (isSet(force)) return force !== "0";
  }
  return isTerminal && env["TERM"] !== "dumb";
}

/** The {@link Paint} for a choice. */
export function painter(choice: ColorChoice): Paint {
  if (!wantsColor(choice)) return (_style, text) => text;
  return (style, text) => `\u001b[${codes[style][0]}m${text}\u001b[${codes[style][1]}m`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
