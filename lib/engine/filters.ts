import { GantryError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import type { ContainerSummary } from "./engine.ts";
import { type FilterFacts, isSameImage, patternOf } from "./filter_matching.ts";
import { dockerStatus } from "./inspect/state.ts";

/** What a list of containers is narrowed down to: the values of each key that was given. */
export type ContainerFilters = ReadonlyMap<FilterKey, readonly string[]>;

/** A container that can be asked for. */
export interface FilterSubject {
  readonly container: ContainerSummary;
  /** Needed for the keys of {@link needsFacts}. */
  readonly facts?: FilterFacts | undefined;
}

/** Narrows down; `all` is the whole list, which `before` and `since` look containers up in. */
type Narrow = (values: readonly string[], all: readonly FilterSubject[]) => (subject: FilterSubject) => boolean;

const statuses = ["created", "restarting", "running", "removing", "paused", "exited", "dead", "unknown"];

const narrows = {
  ancestor: anyOf((value) => ({ container }) => isSameImage(container.image, value)),
  before: beside((container, other) => container.createdAt < other.createdAt),
  exited: anyOf((value) => {
    const code = exitCode(value);
    return ({ container }) => container.exit?.code === code && dockerStatusOf(container) === "exited";
  }),
  id: anyOf((value) => {
    const pattern = patternOf("id", value);
    return ({ container }) => pattern.test(container.id);
  }),
  // Several labels must all be there: one container can have them all, as it cannot have two ids.
  label: (values) => ({ container }) => values.every((value) => hasLabel(container, value)),
  name: anyOf((value) => {
    const pattern = patternOf("name", value);
    // docker's names start with a slash inside, and people anchor their patterns with and without it.
    return ({ container: { name } }) => name !== "" && (pattern.test(name) || pattern.test(`/${name}`));
  }),
  network: anyOf((value) => (subject) => factsOf(subject).networks.includes(value)),
  since: beside((container, other) => container.createdAt > other.createdAt),
  status: anyOf((value) => {
    const status = statusValue(value);
    return ({ container }) => dockerStatusOf(container) === status;
  }),
  volume: anyOf((value) => (subject) =>
    factsOf(subject).mounts.some(({ source, destination }) => source === value || destination === value)
  ),
} as const satisfies Readonly<Record<string, Narrow>>;

/** A key of a filter. */
export type FilterKey = keyof typeof narrows;

/**
 * Parses `KEY=VALUE` as `--filter` takes it. An unknown key, a status or an exit code that is none, and a pattern that
 * cannot be read are `invalid_argument`; the error names the nearest key.
 */
export function parseFilters(texts: readonly string[]): ContainerFilters {
  const filters = new Map<FilterKey, readonly string[]>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 0) {
      throw new GantryError("invalid_argument", `--filter ${JSON.stringify(text)} has no value`, {
        hint: "write KEY=VALUE, e.g. status=exited or label=app=web",
      });
    }
    const key = keyOf(text.slice(0, equals).trim().toLowerCase(), text);
    const value = text.slice(equals + 1).trim();
    // Made once to see whether it can be: a wrong value is an error also when there is no container to look at.
    if (key !== "before" && key !== "since") narrows[key]([value], []);
    filters.set(key, [...filters.get(key) ?? [], value]);
  }
  return filters;
}

/** True when the filters are about containers that do not run, so that `ps` shows those too without `--all`. */
export function includesEnded(filters: ContainerFilters): boolean {
  return filters.has("status") || filters.has("exited");
}

/** True when {@link FilterSubject.facts} must be there. */
export function needsFacts(filters: ContainerFilters): boolean {
  return filters.has("volume") || filters.has("network");
}

/**
 * The containers that match, in their order: for each key one of its values must match, for `label` all. A container
 * named by `before` or `since` that is not in the list is `not_found`.
 */
export function filterContainers<T extends FilterSubject>(
  subjects: readonly T[],
  filters: ContainerFilters,
): readonly T[] {
  const tests = Array.from(filters, ([key, values]) => narrows[key](values, subjects));
  return subjects.filter((subject) => tests.every((test) => test(subject)));
}

/** Matches when one of the values does. */
function anyOf(match: (value: string) => (subject: FilterSubject) => boolean): Narrow {
  return (values) => {
    const tests = values.map(match);
    return (subject) => tests.some((test) => test(subject));
  };
}

/** Compares with the container that each value names. */
function beside(compare: (container: ContainerSummary, other: ContainerSummary) => boolean): Narrow {
  return (values, all) => {
    const others = values.map((value) => find(value, all));
    return ({ container }) => others.some((other) => container.id !== other.id && compare(container, other));
  };
}

function find(reference: string, all: readonly FilterSubject[]): ContainerSummary {
  const containers = all.map(({ container }) => container);
  const wanted = reference.replace(/^\//, "");
  const exact = containers.find(({ id, name }) => id === reference || (name !== "" && name === wanted));
  if (exact !== undefined) return exact;
  const matches = reference === "" ? [] : containers.filter(({ id }) => id.startsWith(reference));
  const [match] = matches;
  if (match === undefined) {
    throw new GantryError("not_found", `there is no container ${JSON.stringify(reference)} to compare with`, {
      hint: "`gantry ps -a` lists them all",
    });
  }
  if (matches.length === 1) return match;
  throw new GantryError("invalid_argument", `${reference} matches ${matches.length} containers`, {
    hint: `use more of the id: ${matches.slice(0, 5).map(({ id }) => id.slice(0, 16)).join(", ")}`,
  });
}

function factsOf({ container, facts }: FilterSubject): FilterFacts {
  if (facts === undefined) throw new TypeError(`the mounts and networks of container ${container.id} were not read`);
  return facts;
}

function hasLabel({ labels }: ContainerSummary, text: string): boolean {
  const equals = text.indexOf("=");
  if (equals < 0) return Object.hasOwn(labels, text);
  const key = text.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === text.slice(equals + 1);
}

function dockerStatusOf({ status, exit }: ContainerSummary): string {
  return dockerStatus(status, exit);
}

function exitCode(value: string): number {
  if (/^\d{1,3}$/.test(value)) return Number(value);
  throw new GantryError("invalid_argument", `--filter exited=${value}: ${JSON.stringify(value)} is not an exit code`, {
    hint: "give a number from 0 to 255",
  });
}

function statusValue(value: string): string {
  const status = value.toLowerCase();
  if (statuses.includes(status)) return status;
  throw new GantryError("invalid_argument", `--filter status=${value}: there is no such status`, {
    hint: didYouMean(status, statuses) ?? `one of ${statuses.join(", ")}`,
  });
}

function keyOf(name: string, text: string): FilterKey {
  if (isKey(name)) return name;
  throw new GantryError(
    "invalid_argument",
    `--filter ${JSON.stringify(text)}: there is no key ${JSON.stringify(name)}`,
    {
      hint: didYouMean(name, Object.keys(narrows)) ?? `keys are ${Object.keys(narrows).join(", ")}`,
    },
  );
}

function isKey(name: string): name is FilterKey {
  return Object.hasOwn(narrows, name);
}
