/** Reads the JUnit report of `deno test`. */

/** How the tests of one run ended. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One test of a report. */
export interface TestCase {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** The tests of a report, without the steps that Deno lists after them as `test > step`. */
export function testCases(xml: string): readonly TestCase[] {
  const all = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, name = "", body = ""]): TestCase => ({
      name: unescape(name),
      outcome: /<(failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed",
    }),
  );
  const names = new Set(all.map(({ name }) => name));
  return all.filter(({ name }) => !isStep(name, names));
}

/** Counts outcomes. */
export function count(cases: readonly TestCase[]): Counts {
  const of = (outcome: string): number => cases.filter((each) => each.outcome === outcome).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

/** Adds up. */
export function sum(all: readonly Counts[]): Counts {
  const total = (key: keyof Counts): number => all.reduce((number, each) => number + each[key], 0);
  return { passed: total("passed"), failed: total("failed"), skipped: total("skipped") };
}

function isStep(name: string, names: ReadonlySet<string>): boolean {
  for (let at = name.indexOf(" > "); at >= 0; at = name.indexOf(" > ", at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

const entities: Readonly<Record<string, string>> = { amp: "&", apos: "'", gt: ">", lt: "<", quot: '"' };

function unescape(text: string): string {
  return text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);
}
