import { GantryError } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/** Number of the signal that no process can refuse. */
export const SIGKILL = 9;

/** Linux signals of x86-64 and arm64, by number; index 0 is no signal. */
const names: readonly string[] = [
  "",
  "HUP",
  "INT",
  "QUIT",
  "ILL",
  "TRAP",
  "ABRT",
  "BUS",
  "FPE",
  "KILL",
  "USR1",
  "SEGV",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "STKFLT",
  "CHLD",
  "CONT",
  "STOP",
  "TSTP",
  "TTIN",
  "TTOU",
  "URG",
  "XCPU",
  "XFSZ",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
  "SYS",
];

const aliases: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29, UNUSED: 31 };

/** glibc keeps 32 and 33 for itself, so its SIGRTMIN, and docker's, is 34. */
const realTimeMin = 34;
const realTimeMax = 64;

/**
 * The number (1–64) of a signal given as `TERM`, `SIGTERM`, `15`, `RTMIN+3` or `RTMAX-1`, in any case.
 * Anything else is `invalid_argument`; its hint has the nearest right name.
 */
export function signalNumber(nameOrNumber: string): number {
  const text = nameOrNumber.trim().toUpperCase();
  const number = /^[0-9]{1,3}$/.test(text) ? Number(text) : numberOfName(text.replace(/^SIG/, ""));
  if (number !== undefined && number >= 1 && number <= realTimeMax) return number;
  const known = [...names.slice(1), ...Object.keys(aliases), "RTMIN", "RTMAX"];
  throw new GantryError("invalid_argument", `${JSON.stringify(nameOrNumber)} is not a signal`, {
    hint: didYouMean(text.replace(/^SIG/, ""), known) ??
      `give a name such as TERM or a number from 1 to ${realTimeMax}`,
  });
}

/** The name of a signal with its `SIG`, e.g. `SIGTERM`, `SIGRTMIN+1`; the plain number for one that has no name. */
export function signalName(number: number): string {
  const name = names[number];
  if (name) return `SIG${name}`;
  if (number === realTimeMin) return "SIGRTMIN";
  if (number === realTimeMax) return "SIGRTMAX";
  if (number > realTimeMin && number < realTimeMax) return `SIGRTMIN+${number - realTimeMin}`;
  return String(number);
}

function numberOfName(name: string): number | undefined {
  const plain = names.indexOf(name);
  if (plain > 0) return plain;
  if (Object.hasOwn(aliases, name)) return aliases[name];
  const match = /^RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name);
  if (match === null) return undefined;
  const [, base, sign, digits = "0"] = match;
  // RTMAX-1 and RTMIN+1 only: the other way would leave the real-time signals.
  if (sign !== undefined && (sign === "+") !== (base === "MIN")) return undefined;
  const number = base === "MIN" ? realTimeMin + Number(digits) : realTimeMax - Number(digits);
  return number >= realTimeMin && number <= realTimeMax ? number : undefined;
}
