import { GantryError } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";
import { absolutePath } from "./paths.ts";

/** What `--security-opt` asks for. */
export interface SecurityOptions {
  /** The seccomp profile: gantry's own, none, or a file (absolute path). */
  readonly seccomp: SeccompChoice;
  /** Name of an AppArmor profile; undefined when none was asked for. */
  readonly apparmor: string | undefined;
  /** Whether execve(2) may give privileges, e.g. through set-uid programs. */
  readonly noNewPrivileges: boolean;
  /** False when nothing of /proc and /sys is to be hidden or read-only (`systempaths=unconfined`). */
  readonly systemPaths: boolean;
}

/** Which filter of system calls a container gets. */
export type SeccompChoice =
  | { readonly kind: "default" }
  | { readonly kind: "unconfined" }
  | { readonly kind: "file"; readonly path: string };

/** Options of {@link parseSecurityOptions}. */
export interface SecurityOptionsContext {
  /** Absolute directory that relative profile paths start from. Default: the working directory. */
  readonly cwd?: string | undefined;
}

const known = ["seccomp", "apparmor", "no-new-privileges", "systempaths", "label"];

/**
 * Parses `seccomp=FILE|unconfined|default`, `apparmor=PROFILE`, `no-new-privileges[=true|false]`, `systempaths=unconfined`
 * and `label=disable`; docker's old form with a colon works too, and a later option of a kind wins. Anything else is
 * `invalid_argument`.
 */
export function parseSecurityOptions(
  texts: readonly string[],
  context: SecurityOptionsContext = {},
): SecurityOptions {
  let options: SecurityOptions = {
    seccomp: { kind: "default" },
    apparmor: undefined,
    noNewPrivileges: false,
    systemPaths: true,
  };
  for (const text of texts) options = { ...options, ...parseOne(text, context) };
  return options;
}

function parseOne(text: string, context: SecurityOptionsContext): Partial<SecurityOptions> {
  const [, key = "", value] = /^([^=:]*)(?:[=:](.*))?$/s.exec(text) ?? [];
  const refuse = (why: string, hint?: string): GantryError =>
    new GantryError("invalid_argument", `--security-opt ${JSON.stringify(text)} ${why}`, { hint });
  switch (key) {
    case "seccomp":
      if (value === undefined || value === "") {
        throw refuse("has no profile", "write seccomp=FILE or seccomp=unconfined");
      }
      if (value === "unconfined" || value === "default") return { seccomp: { kind: value } };
      // docker's name for its built-in profile.
      if (value === "builtin") return { seccomp: { kind: "default" } };
      if (value.includes("\0")) throw refuse("contains a NUL");
      return { seccomp: { kind: "file", path: absolutePath(value, context.cwd) } };
    case "apparmor":
      if (value === undefined || value === "") throw refuse("has no profile", "write apparmor=PROFILE");
      return { apparmor: value };
    case "no-new-privileges":
      if (value === undefined || value === "true") return { noNewPrivileges: true };
      if (value === "false") return { noNewPrivileges: false };
      throw refuse("is neither true nor false", "write no-new-privileges");
    case "systempaths":
      if (value === "unconfined") return { systemPaths: false };
      throw refuse("is not known", "write systempaths=unconfined");
    case "label":
      // gantry sets no labels, so that is how it is anyway.
      if (value === "disable") return {};
      throw refuse("asks for SELinux, which gantry does not set up", "leave it out");
    default:
      throw refuse("is unknown", didYouMean(key, known) ?? `options are ${known.join(", ")}`);
  }
}
