import { GantryError, messageOf } from "../base/errors.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import { labelKeys } from "./container_plan.ts";
import { sortMounts } from "./inspect/mounts.ts";
import { networkMode } from "./inspect/namespace_modes.ts";
import { storedSpecForList } from "./inspect/stored_spec.ts";

/** What only a container's spec tells. */
export interface FilterFacts {
  /** Mounts the user asked for; the source of a tmpfs is empty. */
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
  /** Names of its networks: `none` or `host`. */
  readonly networks: readonly string[];
}

/** The facts from a stored record; one whose spec is not understood has neither mounts nor networks. */
export function filterFacts(record: ContainerRecord): FilterFacts {
  const spec = storedSpecForList(record);
  const mode = networkMode(spec);
  return {
    mounts: sortMounts(spec, record.labels[labelKeys.data]).user
      .map(({ Source, Destination }) => ({ source: Source, destination: Destination })),
    networks: mode === "" ? [] : [mode],
  };
}

/** A regular expression, found anywhere in the text, as docker takes it. Of Go's flags `(?i)` at the start is understood. */
export function patternOf(key: string, text: string): RegExp {
  const isInsensitive = text.startsWith("(?i)");
  try {
    return new RegExp(isInsensitive ? text.slice("(?i)".length) : text, isInsensitive ? "i" : "");
  } catch (error) {
    throw new GantryError("invalid_argument", `--filter ${key}=${text} is not a regular expression`, {
      hint: messageOf(error),
      cause: error,
    });
  }
}

/** True when two references mean the same image: `alpine` is `docker.io/library/alpine:latest`. Also for a directory. */
export function isSameImage(image: string, other: string): boolean {
  return image !== "" && (image === other || canonical(image) === canonical(other));
}

function canonical(reference: string): string {
  // A directory, with or without the mark of a throw-away overlay.
  if (reference.startsWith("/")) return reference.replace(/:O$/, "").replace(/(?<=.)\/+$/, "");
  const [first = "", ...rest] = reference.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = hasHost ? reference : `docker.io/${rest.length === 0 ? "library/" : ""}${reference}`;
  return /@|:[^/]*$/.test(path) ? path : `${path}:latest`;
}
