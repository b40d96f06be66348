import { GantryError } from "./errors.ts";

const letters = ["", "k", "m", "g", "t", "p"] as const;
const iecUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const pattern = /^([0-9]+(?:\.[0-9]+)?) ?(?:([kmgtp])i?)?b?$/i;

/**
 * Bytes of a size as docker takes it: `64m`, `1.5g`, `512k`, `100b`, `1GiB`, `1GB`; a bare number is bytes. All units
 * are of 1024, and a fraction of a byte is cut off. Anything else is `invalid_argument`.
 */
export function parseBytes(text: string): number {
  const match = pattern.exec(text);
  const power = letters.findIndex((letter) => letter === (match?.[2] ?? "").toLowerCase());
  const bytes = Math.trunc(Number(match?.[1]) * 1024 ** power);
  if (!Number.isSafeInteger(bytes) || power < 0) {
    throw new GantryError("invalid_argument", `${JSON.stringify(text)} is not a size`, {
      hint: "write it as 64m, 1.5g or 512k (units of 1024); a bare number is bytes",
    });
  }
  return bytes;
}

/** A size in IEC units with four significant digits, as docker shows it: `0B`, `512MiB`, `1.953GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let power = 0;
  // What would round up to 1024 goes to the next unit: 1GiB, not 1024MiB.
  while (Number(value.toPrecision(4)) >= 1024 && power < iecUnits.length - 1) {
    value /= 1024;
    power++;
  }
  return `${Number(value.toPrecision(4))}${iecUnits[power]}`;
}
