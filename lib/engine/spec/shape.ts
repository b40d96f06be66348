import { isRecord } from "../../base/json.ts";

/**
 * What a part of a JSON document must look like: says what is wrong with `value`, and where, or undefined when it fits.
 * `path` is where the value is, e.g. `process.args`; empty for the whole document.
 */
export type Shape = (value: unknown, path: string) => string | undefined;

/** What a number may be. */
export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

/** Any string without a NUL, which no path, argument or name can hold. */
export function text(value: unknown, path: string): string | undefined {
  if (typeof value !== "string") return mismatch(path, "a string", value);
  return value.includes("\0") ? `${shown(path)} contains a NUL` : undefined;
}

/** True or false. */
export function boolean(value: unknown, path: string): string | undefined {
  return typeof value === "boolean" ? undefined : mismatch(path, "true or false", value);
}

/** A whole number; a double above 2^53 is taken for the integer it was rounded from. */
export function integer({ min, max }: IntegerRange): Shape {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isInteger(value)) return mismatch(path, "a whole number", value);
    return value >= min && value <= max ? undefined : `${shown(path)} is ${value}, out of range`;
  };
}

/** One of some strings. */
export function oneOf(words: readonly string[]): Shape {
  return (value, path) => {
    if (typeof value !== "string") return mismatch(path, "a string", value);
    if (words.includes(value)) return undefined;
    return `${shown(path)} is ${JSON.stringify(value.slice(0, 40))}, which is none of ${words.join(", ")}`;
  };
}

/** A list of things of one shape. */
export function list(of: Shape): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) return mismatch(path, "a list", value);
    return firstOf(value, (item: unknown, index) => of(item, `${path}[${index}]`));
  };
}

/** An object whose values are all of one shape. */
export function dictionary(of: Shape): Shape {
  return (value, path) => {
    if (!isRecord(value)) return mismatch(path, "an object", value);
    return firstOf(Object.entries(value), ([key, item]) => of(item, `${path}[${JSON.stringify(key)}]`));
  };
}

/** An object with fields of given shapes. Other fields may be there, and those in `required` must. */
export function object(fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape {
  return (value, path) => {
    if (!isRecord(value)) return mismatch(path, "an object", value);
    const missing = required.find((key) => !Object.hasOwn(value, key));
    if (missing !== undefined) return `${fieldPath(path, missing)} is missing`;
    return firstOf(Object.entries(fields), ([key, shape]) => {
      return Object.hasOwn(value, key) ? shape(value[key], fieldPath(path, key)) : undefined;
    });
  };
}

/** An object of this shape that has no other fields: for places where a typing error would change the meaning. */
export function closedObject(fields: Readonly<Record<string, Shape>>): Shape {
  const open = object(fields);
  return (value, path) => {
    const unknown = isRecord(value) ? Object.keys(value).find((key) => !Object.hasOwn(fields, key)) : undefined;
    if (unknown === undefined) return open(value, path);
    return `${fieldPath(path, unknown)} is unknown; fields are ${Object.keys(fields).join(", ")}`;
  };
}

/** True when `value` is nested deeper than `levels`: encoders and Go's decoder recurse. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}

/** `value` without the fields that are null, which Go takes for absent ones. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)]),
  );
}

function firstOf<T>(items: readonly T[], check: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const problem = check(item, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function fieldPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function mismatch(path: string, wanted: string, value: unknown): string {
  const kind = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  return `${shown(path)} must be ${wanted}, not ${kind.replace("a object", "an object")}`;
}

function shown(path: string): string {
  return path === "" ? "the document" : path;
}
