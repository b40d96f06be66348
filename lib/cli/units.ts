/** Numbers for people, in docker's units: memory in steps of 1024 (see `formatBytes`), traffic in steps of 1000. */

const siUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;

/** Bytes of traffic with three significant digits, as docker shows them: `0B`, `1.2kB`, `34.6MB`. */
export function formatTraffic(bytes: number): string {
  let value = bytes;
  let power = 0;
  // What would round up to 1000 goes to the next unit: docker prints 999.9 kB as 1e+03kB.
  while (Number(value.toPrecision(3)) >= 1000 && power < siUnits.length - 1) {
    value /= 1000;
    power++;
  }
  return `${Number(value.toPrecision(3))}${siUnits[power]}`;
}

/** A percentage with two decimals: `0.03%`, `137.50%`; `--` when it is not known. */
export function formatPercent(percent: number | undefined): string {
  return percent === undefined ? unknown : `${percent.toFixed(2)}%`;
}

/** What docker shows where there is no number. */
export const unknown = "--";
