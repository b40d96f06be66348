import { GantryError } from "../../base/errors.ts";
import { assertId, assertNamespace } from "../../wire/identifier.ts";

/** Names one checkpoint. */
export interface CheckpointRef {
  /** containerd's namespace. */
  readonly namespace: string;
  /** The container's id. */
  readonly container: string;
  /** The checkpoint's name, unique for the container. */
  readonly name: string;
}

const longest = 128;
const pattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/**
 * Throws `invalid_argument` unless `name` can name a checkpoint: letters, digits, `_`, `.` and `-`, the first one a letter
 * or a digit, at most 128. It becomes a directory's name.
 */
export function assertCheckpointName(name: string): void {
  if (name.length <= longest && pattern.test(name)) return;
  throw new GantryError("invalid_argument", `${JSON.stringify(name.slice(0, longest))} is not a checkpoint name`, {
    hint: `it must be 1 to ${longest} characters of a-z, A-Z, 0-9, _, . and -, the first one a letter or a digit`,
  });
}

/** What a checkpoint is called that was given no name: the time, e.g. `20261122T221049.123Z`. Sorts by age. */
export function nameOfTime(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]/g, "");
}

/** Throws `invalid_argument` unless every part of `ref` can become part of a path. */
export function assertCheckpointRef(ref: CheckpointRef): void {
  assertNamespace(ref.namespace);
  assertId(ref.container);
  assertCheckpointName(ref.name);
}
