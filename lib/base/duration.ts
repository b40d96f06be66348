import { GantryError } from "./errors.ts";

/** Milliseconds of each unit, as Go's time.ParseDuration knows them. */
const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  "µs": 0.001,
  "μs": 0.001,
  ns: 0.000_001,
};

const amount = "[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+";
const bare = new RegExp(`^(?:${amount})$`);
const whole = new RegExp(`^(?:(?:${amount})(?:h|ms|m|us|µs|μs|ns|s))+$`);
const part = new RegExp(`(${amount})(h|ms|m|us|µs|μs|ns|s)`, "g");

/**
 * Milliseconds of a duration as Go writes it: `1h2m3.5s`, `250ms`; a bare number is seconds. May have a fraction.
 * Anything else, and what is negative or does not fit, is `invalid_argument`.
 */
export function parseDuration(text: string): number {
  const ms = bare.test(text) ? Number(text) * 1000 : sumOfParts(text);
  if (ms === undefined || ms > Number.MAX_SAFE_INTEGER) {
    throw new GantryError("invalid_argument", `${JSON.stringify(text)} is not a duration`, {
      hint: "write it as 1h2m3.5s or 250ms; a bare number is seconds",
    });
  }
  return ms;
}

/** A duration that {@link parseDuration} reads back, e.g. `1h2m3.5s`, `250ms`, `0s`; to the microsecond. */
export function formatDuration(ms: number): string {
  const rounded = Math.round(ms * 1000) / 1000;
  if (rounded < 0) return `-${formatDuration(-rounded)}`;
  if (rounded === 0) return "0s";
  if (rounded < 1000) return `${decimal(rounded)}ms`;
  const hours = Math.floor(rounded / 3_600_000);
  const minutes = Math.floor(rounded / 60_000) % 60;
  const seconds = (rounded % 60_000) / 1000;
  const parts = [
    hours > 0 ? `${hours}h` : "",
    minutes > 0 ? `${minutes}m` : "",
    seconds > 0 ? `${decimal(seconds)}s` : "",
  ];
  return parts.join("");
}

function sumOfParts(text: string): number | undefined {
  if (!whole.test(text)) return undefined;
  let ms = 0;
  for (const [, value, unit = ""] of text.matchAll(part)) ms += Number(value) * (unitMs[unit] ?? NaN);
  return ms;
}

/** At most six decimals, without trailing zeros and without an exponent. */
function decimal(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, "");
}
