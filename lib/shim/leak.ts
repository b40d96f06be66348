import type { Clock } from "../base/clock.ts";
import type { JudgeOptions } from "./verdict.ts";

/** What kind of thing is left; `directory` is one beside the bundles that somebody died over. */
export type LeakKind = "bundle" | "directory" | "shim" | "socket" | "mount" | "control group" | "runtime state";

/** A thing of its own, or one that goes with another. */
export interface LeakedThing {
  readonly kind: LeakKind;
  /** A path; of a shim its pid. */
  readonly what: string;
}

/** Something that nobody needs any more. */
export interface Leak extends LeakedThing {
  /** Why it may go, in a few words for people. */
  readonly why: string;
  /** What hangs on it and goes with it. */
  readonly parts: readonly LeakedThing[];
  /** Removes it with all that hangs on it. Safe to repeat. */
  readonly remove: () => Promise<void>;
}

/** How leaks are looked for. */
export interface LeakOptions extends JudgeOptions {
  readonly clock: Clock;
  /** PATH in which the OCI runtime is; default ours. */
  readonly path?: string | undefined;
}
