import { GantryError, messageOf } from "./errors.ts";

/** An object of a parsed document whose fields have not been checked yet. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** True for an object that is neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses `text`; what is not JSON is a {@link GantryError} `data_loss` that names `source`. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GantryError("data_loss", `${source} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** The own field `name` when it is a string; undefined when it is absent or something else. */
export function stringField(record: JsonRecord, name: string): string | undefined {
  const value = field(record, name);
  return typeof value === "string" ? value : undefined;
}

/** The own field `name` when it is a finite number. */
export function numberField(record: JsonRecord, name: string): number | undefined {
  const value = field(record, name);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The own field `name` when it is a whole number that a double holds exactly. */
export function integerField(record: JsonRecord, name: string): number | undefined {
  const value = field(record, name);
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** The own field `name` when it is true or false. */
export function booleanField(record: JsonRecord, name: string): boolean | undefined {
  const value = field(record, name);
  return typeof value === "boolean" ? value : undefined;
}

/** The own field `name` when it is an object. */
export function recordField(record: JsonRecord, name: string): Record<string, unknown> | undefined {
  const value = field(record, name);
  return isRecord(value) ? value : undefined;
}

/** The own field `name` when it is an array; its elements are not checked. */
export function arrayField(record: JsonRecord, name: string): readonly unknown[] | undefined {
  const value = field(record, name);
  return Array.isArray(value) ? value : undefined;
}

/** The own field `name` when it is an array of strings only. */
export function stringsField(record: JsonRecord, name: string): readonly string[] | undefined {
  const value = field(record, name);
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

// Own fields only: a document must not reach `constructor` or `__proto__` of Object.
function field(record: JsonRecord, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
