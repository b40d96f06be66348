import { refusal } from "./refusal.ts";

/** The CPUs of a list as sysfs prints it, e.g. `0-3,8` is 0, 1, 2, 3, 8. Junk in it is left out. */
export function cpuList(text: string): readonly number[] {
  return text.trim().split(",").flatMap((range) => {
    const [, first, last = first] = rangePattern.exec(range) ?? [];
    if (first === undefined) return [];
    return Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, index) => Number(first) + index);
  });
}

/**
 * A list of CPUs or memory nodes as `--cpuset-cpus` and `--cpuset-mems` take it: numbers and ranges between commas, e.g.
 * `0-2,7`. Whether this host has them is for `composeCpu`. Anything else is `invalid_argument`.
 */
export function parseCpuset(flag: string, text: string): string {
  const refuse = refusal(flag, text);
  const hint = "write numbers and ranges, e.g. 0-2,7";
  if (text === "") throw refuse("is empty", hint);
  for (const range of text.split(",")) {
    const [, first, last = first] = rangePattern.exec(range) ?? [];
    if (first === undefined) throw refuse(`has ${JSON.stringify(range)}, which is neither a number nor a range`, hint);
    if (Number(last) < Number(first)) throw refuse(`has the range ${range}, which ends before it begins`, hint);
  }
  return text;
}

/** Five digits: far above the kernel's 8192 CPUs, and too little for a list that exhausts our memory. */
const rangePattern = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/;
