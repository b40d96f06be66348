import type { Process, Spec } from "../../wire/oci.ts";

/** Variables that gantry sets itself and whose values are of use in a log. */
const plainNames: ReadonlySet<string> = new Set(["PATH", "HOME", "TERM", "HOSTNAME"]);

/** What stands for a value that is not shown. */
export const redacted = "***";

/** `KEY=VALUE` with the value masked, unless it is one of the variables that gantry sets itself. */
export function redactEnv(entry: string): string {
  const equals = entry.indexOf("=");
  if (equals < 0 || plainNames.has(entry.slice(0, equals))) return entry;
  return `${entry.slice(0, equals)}=${redacted}`;
}

/**
 * A spec that can be printed: the values of all variables are masked but those of PATH, HOME, TERM and HOSTNAME, also the
 * environments of hooks. Everything else is unchanged; the runtime gets the spec itself, never this one.
 */
export function redactSpec(spec: Spec): Spec {
  const { process, hooks } = spec;
  return {
    ...spec,
    ...(process === undefined ? {} : { process: redactProcess(process) }),
    ...(hooks === undefined ? {} : { hooks: redactHooks(hooks) }),
  };
}

/** The same for a process alone, e.g. of an exec. */
export function redactProcess(process: Process): Process {
  return process.env === undefined ? process : { ...process, env: process.env.map(redactEnv) };
}

function redactHooks(hooks: NonNullable<Spec["hooks"]>): NonNullable<Spec["hooks"]> {
  return Object.fromEntries(
    Object.entries(hooks).map(([point, list]) => [
      point,
      list.map((hook) => hook.env === undefined ? hook : { ...hook, env: hook.env.map(redactEnv) }),
    ]),
  );
}
