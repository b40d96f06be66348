/**
 * A spec, or a part of it, as the JSON that runtimes read. Go's decoders refuse an integer that overflows its field, and
 * a double cannot hold 2^63 - 1 or 2^64 - 1 ("no limit"): both were rounded up when they were parsed and are put back.
 * With `indent` it is laid out for people.
 */
export function encodeOci(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== "number" || Number.isSafeInteger(item) || !Number.isInteger(item)) return item;
    return Math.abs(item) > 2 ** 64 ? item : jsonWithRaw.rawJSON(exactInteger(item).toString());
  }, indent);
}

function exactInteger(value: number): bigint {
  const integer = BigInt(value);
  return value === 2 ** 64 || value === 2 ** 63 ? integer - 1n : integer;
}

// TypeScript's library does not declare it yet; V8 has it since 11.4.
const jsonWithRaw = JSON as typeof JSON & { rawJSON(text: string): unknown };
