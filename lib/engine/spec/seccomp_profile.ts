import type { Seccomp, SeccompArgument, SeccompRule } from "../../wire/oci.ts";
import type { Architecture, HostFacts } from "./host_facts.ts";

/** A profile with conditions, in the shape of docker's profile files. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | undefined;
  /** Architectures as they are; with them `archMap` is empty. */
  readonly architectures: readonly string[];
  /** Architectures that bring others along. */
  readonly archMap: readonly ArchitectureEntry[];
  readonly flags?: readonly string[] | undefined;
  readonly listenerPath?: string | undefined;
  readonly listenerMetadata?: string | undefined;
  readonly syscalls: readonly ConditionalRule[];
}

/** An architecture and those whose programs run on it too. */
export interface ArchitectureEntry {
  readonly architecture: string;
  readonly subArchitectures: readonly string[];
}

/** A rule that holds only where its conditions do. */
export interface ConditionalRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  readonly args: readonly SeccompArgument[];
  /** All of it must be true. */
  readonly includes?: RuleCondition | undefined;
  /** Nothing of it may be true. */
  readonly excludes?: RuleCondition | undefined;
}

/** Conditions on the container's bounding set, the architecture and the kernel. */
export interface RuleCondition {
  readonly caps?: readonly string[] | undefined;
  /** `amd64`, `arm64`, … */
  readonly arches?: readonly string[] | undefined;
  /** Major and minor version. */
  readonly minKernel?: readonly [number, number] | undefined;
}

/** What conditions are held against. */
export interface SeccompTarget {
  readonly host: Pick<HostFacts, "architecture" | "kernel">;
  /** The container's bounding set. */
  readonly capabilities: readonly string[];
}

/** libseccomp's constant and docker's word for each architecture. */
const architectures: Readonly<Record<Architecture, { readonly constant: string; readonly word: string }>> = {
  x86_64: { constant: "SCMP_ARCH_X86_64", word: "amd64" },
  aarch64: { constant: "SCMP_ARCH_AARCH64", word: "arm64" },
};

/** The filter that a profile means on this host for a container with these capabilities. */
export function resolveSeccomp(profile: SeccompProfile, target: SeccompTarget): Seccomp {
  const { constant } = architectures[target.host.architecture];
  const entry = profile.archMap.find((candidate) => candidate.architecture === constant);
  const mapped = entry === undefined ? [] : [entry.architecture, ...entry.subArchitectures];
  return {
    defaultAction: profile.defaultAction,
    ...given("defaultErrnoRet", profile.defaultErrnoRet),
    architectures: [...profile.architectures, ...mapped],
    ...given("flags", profile.flags),
    ...given("listenerPath", profile.listenerPath),
    ...given("listenerMetadata", profile.listenerMetadata),
    syscalls: profile.syscalls.filter((rule) => applies(rule, target)).map(plainRule),
  };
}

function applies(rule: ConditionalRule, target: SeccompTarget): boolean {
  const { includes, excludes } = rule;
  const { word } = architectures[target.host.architecture];
  const has = (capability: string): boolean => target.capabilities.includes(capability);
  if (excludes?.arches?.includes(word) || excludes?.caps?.some(has)) return false;
  if (excludes?.minKernel !== undefined && isAtLeast(target.host.kernel, excludes.minKernel)) return false;
  // An empty list is no condition, as in docker.
  if (includes?.arches !== undefined && includes.arches.length > 0 && !includes.arches.includes(word)) return false;
  if (includes?.caps !== undefined && !includes.caps.every(has)) return false;
  return includes?.minKernel === undefined || isAtLeast(target.host.kernel, includes.minKernel);
}

function plainRule(rule: ConditionalRule): SeccompRule {
  return {
    names: rule.names,
    action: rule.action,
    ...given("errnoRet", rule.errnoRet),
    ...(rule.args.length === 0 ? {} : { args: rule.args }),
  };
}

/** True when a release such as `6.1.0-18-amd64` is of this version or a later one. */
function isAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, first = "0", second = "0"] = /^([0-9]+)\.([0-9]+)/.exec(release) ?? [];
  return Number(first) > major || Number(first) === major && Number(second) >= minor;
}

function given<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  const field: { [P in K]?: T } = {};
  if (value !== undefined) field[key] = value;
  return field;
}
