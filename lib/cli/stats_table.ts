/** The live table of `gantry stats`: each round over the last one on a terminal, one block after the other elsewhere. */
import { alignColumns, displayWidth } from "./columns.ts";
import { escapeControl } from "./escape.ts";
import { statsColumns, type StatsRow } from "./stats_row.ts";

/** What the table is drawn on. */
export interface StatsScreen {
  /** Size of the terminal in characters; undefined when it is none. */
  readonly terminal?: { readonly width: number; readonly height: number } | undefined;
  /** True for the first round. */
  readonly first: boolean;
}

const clear = "\u001b[2J";
const home = "\u001b[H";
const clearLine = "\u001b[K";
const clearBelow = "\u001b[J";

/**
 * The text of one round. On a terminal every line fits into its width and all lines into its height, or the next round
 * would not be drawn over this one; what does not fit is counted in the last line. Nothing is cleared before it is written
 * over, so the table does not flicker.
 */
export function statsTable(rows: readonly StatsRow[], { terminal, first }: StatsScreen): string {
  const header = statsColumns.map((column) => column.header);
  const cells = rows.map((row) => statsColumns.map(({ field }) => cell(String(row[field]))));
  const table = alignColumns([header, ...cells]);
  if (terminal === undefined) return first ? table : `\n${table}`;
  const lines = fitted(table.trimEnd().split("\n"), terminal.height)
    // A line as wide as the terminal leaves the cursor on its last character, which clearing would then take away.
    .map((line) => `${cut(line, terminal.width - 1)}${clearLine}\n`);
  return `${first ? clear : ""}${home}${lines.join("")}${clearBelow}`;
}

/** The cursor ends in the line below the table, so one line of the height stays free. */
function fitted(lines: readonly string[], height: number): readonly string[] {
  const most = Math.max(2, height - 1);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`];
}

function cut(line: string, width: number): string {
  if (displayWidth(line) <= width) return line;
  let kept = "";
  let used = 0;
  for (const character of line) {
    used += displayWidth(character);
    if (used > width) break;
    kept += character;
  }
  return kept;
}

/** A name that another client gave may carry anything. */
function cell(text: string): string {
  return escapeControl(text).replace(/[\n\t]/g, (character) => character === "\n" ? "\\n" : "\\t");
}
