import { GantryError } from "../../base/errors.ts";
import type { CopyPath } from "./copy_path.ts";

/** What a copy starts from. */
export interface CopySource {
  /** As the user wrote it, for messages. */
  readonly label: string;
  readonly path: CopyPath;
  /** A symbolic link that is not followed counts as a file. */
  readonly kind: "file" | "directory";
}

/** What a copy goes to. */
export interface CopyDestination {
  readonly label: string;
  readonly path: CopyPath;
  /** What is there once links have been followed. */
  readonly kind: "missing" | "file" | "directory";
  /** The path once links have been followed. */
  readonly resolved: string;
  /** Whether the directory it is in is there. */
  readonly parentExists: boolean;
}

/** Where entries go and under which name. */
export interface CopyPlan {
  /** Directory they are put into; it exists. */
  readonly directory: string;
  /** Name of the copy in it; `.` for a directory's content without the directory. */
  readonly as: string;
}

/**
 * Decides where a copy ends up, by `docker cp`'s rules: a directory is copied into an existing one, or becomes one that is
 * not there; a file goes into an existing directory, replaces an existing file, or becomes a new one whose directory must
 * exist. What cannot be is refused before anything is written.
 */
export function planCopy(source: CopySource, destination: CopyDestination): CopyPlan {
  const { kind, path, resolved, label } = destination;
  if (source.kind === "file" && source.path.directory) {
    throw new GantryError("failed_precondition", `${source.label} is not a directory`);
  }
  if (kind === "directory") {
    const contents = source.kind === "directory" && (source.path.contents || source.path.name === "");
    return { directory: resolved, as: contents ? "." : source.path.name };
  }
  if (kind === "file") {
    if (source.kind === "directory") {
      throw new GantryError("failed_precondition", `cannot copy the directory ${source.label} to the file ${label}`);
    }
    if (path.directory) throw new GantryError("failed_precondition", `${label} is not a directory`);
    return inParent(resolved);
  }
  if (!destination.parentExists) {
    throw new GantryError("not_found", `the directory ${label} would be in does not exist`, { hint: "make it first" });
  }
  // A file to `new/`: somebody expects a directory there.
  if (source.kind === "file" && path.directory) {
    throw new GantryError("not_found", `the directory ${label} does not exist`, { hint: "make it first" });
  }
  return inParent(resolved);
}

/** Decides where a tar from outside is unpacked to: an existing directory and nothing else. */
export function planUnpack(destination: CopyDestination): CopyPlan {
  if (destination.kind === "directory") return { directory: destination.resolved, as: "." };
  const code = destination.kind === "missing" ? "not_found" : "failed_precondition";
  throw new GantryError(code, `${destination.label} must be an existing directory`);
}

function inParent(path: string): CopyPlan {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  return { directory: slash < 0 ? "." : trimmed.slice(0, slash) || "/", as: trimmed.slice(slash + 1) };
}
