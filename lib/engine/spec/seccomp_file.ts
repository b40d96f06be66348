import { GantryError } from "../../base/errors.ts";
import { isRecord, recordField, stringField, stringsField } from "../../base/json.ts";
import { allCapabilities } from "../../wire/capabilities.ts";
import type { SeccompArgument } from "../../wire/oci.ts";
import { readJsonInput } from "./input_file.ts";
import type { ArchitectureEntry, ConditionalRule, RuleCondition, SeccompProfile } from "./seccomp_profile.ts";
import { closedObject, integer, list, object, oneOf, type Shape, text, withoutNulls } from "./shape.ts";

const actions = words(`
  SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP SCMP_ACT_ERRNO SCMP_ACT_TRACE SCMP_ACT_ALLOW
  SCMP_ACT_LOG SCMP_ACT_NOTIFY
`);
const operators = words(`
  SCMP_CMP_NE SCMP_CMP_LT SCMP_CMP_LE SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_MASKED_EQ
`);
const architecture: Shape = (value, path) => {
  const problem = text(value, path);
  if (problem !== undefined) return problem;
  return /^SCMP_ARCH_[A-Z0-9_]+$/.test(String(value)) ? undefined : `${path} is not a name such as SCMP_ARCH_X86_64`;
};
const errno = integer({ min: 0, max: 4095 });
const kernel: Shape = (value, path) => {
  const isVersion = typeof value === "string" && (value === "" || /^[0-9]{1,3}\.[0-9]{1,3}$/.test(value));
  return isVersion ? undefined : `${path} must be a kernel version such as "4.8"`;
};
const capability: Shape = (value, path) => {
  const isKnown = typeof value === "string" && allCapabilities.includes(value);
  return isKnown ? undefined : `${path} must be the name of a capability such as "CAP_SYS_ADMIN"`;
};
// A misspelt condition would silently be none and open the filter, so unknown ones are refused.
const condition = closedObject({ caps: list(capability), arches: list(text), minKernel: kernel });
// Larger ones would be rounded: JSON numbers are doubles here.
const operand = integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const argument = object(
  { index: integer({ min: 0, max: 5 }), value: operand, valueTwo: operand, op: oneOf(operators) },
  ["index", "value", "op"],
);
const rule: Shape = (value, path) => {
  const shape = object({
    name: text,
    names: list(text),
    action: oneOf(actions),
    errnoRet: errno,
    args: list(argument),
    includes: condition,
    excludes: condition,
  }, ["action"]);
  const problem = shape(value, path);
  if (problem !== undefined || !isRecord(value)) return problem;
  if ((value.name === undefined) === (value.names === undefined)) return `${path} must have either name or names`;
  return undefined;
};
const profileShape = object({
  defaultAction: oneOf(actions),
  defaultErrnoRet: errno,
  architectures: list(architecture),
  archMap: list(object({ architecture, subArchitectures: list(architecture) }, ["architecture"])),
  flags: list(text),
  listenerPath: text,
  listenerMetadata: text,
  syscalls: list(rule),
}, ["defaultAction"]);

/** Options of {@link loadSeccompFile}. */
export interface LoadSeccompOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a seccomp profile (`--security-opt seccomp=FILE`), in docker's format with its conditions or as plain OCI. What
 * is not one is `invalid_argument` and names the file and the field.
 */
export async function loadSeccompFile(path: string, options: LoadSeccompOptions = {}): Promise<SeccompProfile> {
  return parseSeccompProfile(await readJsonInput({ flag: "--security-opt seccomp", path }, options), path);
}

/** The profile in a parsed JSON document; `path` is for messages. */
export function parseSeccompProfile(document: unknown, path: string): SeccompProfile {
  const refuse = (why: string): GantryError =>
    new GantryError("invalid_argument", `seccomp profile ${path}: ${why}`, {
      hint: "it must be a profile in docker's format or the linux.seccomp part of an OCI spec",
    });
  const value = withoutNulls(document);
  const problem = profileShape(value, "");
  if (problem !== undefined || !isRecord(value)) throw refuse(problem ?? "not a profile");
  const architectures = stringsField(value, "architectures") ?? [];
  const archMap = records(value, "archMap").map(architectureEntry);
  if (architectures.length > 0 && archMap.length > 0) throw refuse("it has both architectures and archMap");
  return {
    defaultAction: stringField(value, "defaultAction") ?? "",
    defaultErrnoRet: numberOf(value, "defaultErrnoRet"),
    architectures,
    archMap,
    flags: stringsField(value, "flags"),
    listenerPath: stringField(value, "listenerPath"),
    listenerMetadata: stringField(value, "listenerMetadata"),
    syscalls: records(value, "syscalls").map(conditionalRule),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function architectureEntry(fields: Fields): ArchitectureEntry {
  return {
    architecture: stringField(fields, "architecture") ?? "",
    subArchitectures: stringsField(fields, "subArchitectures") ?? [],
  };
}

function conditionalRule(fields: Fields): ConditionalRule {
  return {
    names: stringsField(fields, "names") ?? [stringField(fields, "name") ?? ""],
    action: stringField(fields, "action") ?? "",
    errnoRet: numberOf(fields, "errnoRet"),
    args: records(fields, "args").map(seccompArgument),
    includes: ruleCondition(recordField(fields, "includes")),
    excludes: ruleCondition(recordField(fields, "excludes")),
  };
}

function seccompArgument(fields: Fields): SeccompArgument {
  return {
    index: numberOf(fields, "index") ?? 0,
    value: numberOf(fields, "value") ?? 0,
    valueTwo: numberOf(fields, "valueTwo"),
    op: stringField(fields, "op") ?? "",
  };
}

function ruleCondition(fields: Fields | undefined): RuleCondition | undefined {
  if (fields === undefined) return undefined;
  const [, major, minor] = /^([0-9]+)\.([0-9]+)$/.exec(stringField(fields, "minKernel") ?? "") ?? [];
  return {
    caps: stringsField(fields, "caps"),
    arches: stringsField(fields, "arches"),
    minKernel: major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)],
  };
}

function records(fields: Fields, name: string): readonly Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function numberOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" ? value : undefined;
}

function words(all: string): readonly string[] {
  return all.trim().split(/\s+/);
}
