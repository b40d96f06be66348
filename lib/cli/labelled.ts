/** One record for people: a label and a value on each line. */
import { alignColumns } from "./columns.ts";

/** Aligned lines; those without a value are left out. */
export function labelledLines(lines: readonly (readonly [label: string, value: string | undefined])[]): string {
  return alignColumns(lines.flatMap(([label, value]) => value === undefined ? [] : [[label, value]]));
}
