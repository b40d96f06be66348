/** Aligned columns as docker prints them: no boxes, three spaces apart. */

/** Rows of cells, padded to the widest cell of each column but the last one, which is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell));
  }
  return rows.map((row) => `${alignRow(row, widths)}\n`).join("");
}

function alignRow(row: readonly string[], widths: readonly number[]): string {
  const last = row.length - 1;
  return row.map((cell, index) =>
    index === last ? cell : cell + " ".repeat((widths[index] ?? 0) - displayWidth(cell) + 3)
  ).join("").trimEnd();
}

/** Columns a terminal uses: escape sequences and combining marks take none, East Asian wide characters and emoji take two. */
export function displayWidth(text: string): number {
  // deno-lint-ignore no-control-regex -- an SGR sequence starts with the control character ESC
  const plain = text.replace(/\u001b\[[0-9;]*m/g, "");
  let width = 0;
  for (const character of plain) width += /\p{M}|\p{Cf}/u.test(character) ? 0 : isWide(character) ? 2 : 1;
  return width;
}

function isWide(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0x1100 &&
    (code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) ||
      (code >= 0x20000 && code <= 0x3fffd));
}
