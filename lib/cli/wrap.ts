/** Text in lines that fit. */
import { displayWidth } from "./columns.ts";

/** Breaks `text` at spaces into lines of at most `width` columns; a longer word gets a line of its own. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || displayWidth(longer) <= width) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return line === "" ? lines : [...lines, line];
}

/** A list of terms and what they mean: two columns, the second one wrapped. */
export function definitionList(
  entries: readonly (readonly [term: string, meaning: string])[],
  width: number,
): readonly string[] {
  // A few long terms must not push all meanings to the right edge: they get a line of their own.
  const limit = Math.floor(width * 0.45);
  const fitting = entries.map(([term]) => displayWidth(term)).filter((each) => each <= limit);
  const indent = Math.max(0, ...fitting) + 4;
  return entries.flatMap(([term, meaning]) => {
    const [first = "", ...rest] = wrapText(meaning, width - indent);
    const continued = rest.map((line) => " ".repeat(indent) + line);
    if (displayWidth(term) > limit) {
      return [`  ${term}`, ...(first === "" ? [] : [" ".repeat(indent) + first]), ...continued];
    }
    return [`  ${term}${" ".repeat(indent - 2 - displayWidth(term))}${first}`.trimEnd(), ...continued];
  });
}
