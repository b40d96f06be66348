/** The flags that every command takes, before or after its name. */
import { logLevels } from "../base/log.ts";
import type { ValuesOf } from "./command.ts";
import { booleanFlag, choiceFlag, type Flag, type FlagText, stringFlag } from "./flags.ts";
import { absolutePath } from "./paths.ts";

/** Where a root supervisor keeps what must not outlive a boot. */
export const defaultState = "/run/gantry";
/** Where a root supervisor keeps what must. */
export const defaultRoot = "/var/lib/gantry";

/** See `gantry --help`. */
export const globalFlags = {
  state: directoryFlag({ summary: "Sockets, pid files and locks of this instance", default: defaultState }),
  root: directoryFlag({ summary: "Containers, images and logs of this instance", default: defaultRoot }),
  address: addressFlag({
    summary: "Socket of the containerd to use",
    placeholder: "SOCKET",
    setting: true,
    env: ["CONTAINERD_ADDRESS"],
    complete: "file",
    defaultText: "the instance's, else /run/containerd/containerd.sock",
  }),
  runtime: choiceFlag({
    summary: "Who runs containers: containerd, or shims of gantry's own without any daemon",
    choices: ["auto", "containerd", "shim"],
    setting: true,
    default: "auto",
  }),
  shim: programFlag({
    summary: "Program of the shims that gantry runs itself",
    placeholder: "PATH",
    setting: true,
    complete: "file",
    default: "containerd-shim-runc-v2",
  }),
  namespace: stringFlag({
    summary: "Namespace of the containers",
    placeholder: "NAME",
    setting: true,
    env: ["CONTAINERD_NAMESPACE"],
    default: "default",
  }),
  config: stringFlag({
    summary: "Configuration file; it must exist",
    placeholder: "FILE",
    complete: "file",
    env: ["GANTRY_CONFIG"],
    defaultText: "/etc/gantry/config.toml if it exists",
  }),
  json: booleanFlag({ summary: "Print JSON: a line for each item, errors too", setting: true }),
  format: stringFlag({
    summary: "Print by a template: 'json', '{{.Field}}', 'table {{.A}}\\t{{.B}}'",
    placeholder: "TEMPLATE",
  }),
  color: choiceFlag({
    summary: "Colour the output",
    choices: ["auto", "always", "never"],
    setting: true,
    default: "auto",
  }),
  logLevel: choiceFlag({
    summary: "Log this and what is worse",
    choices: logLevels,
    placeholder: "LEVEL",
    setting: true,
    default: "info",
  }),
  logFormat: choiceFlag({ summary: "Form of log lines", choices: ["text", "json"], setting: true, default: "text" }),
  verbose: booleanFlag({ summary: "Say what is done and through which engine", short: "v" }),
  debug: booleanFlag({ summary: "Show stack traces of errors", setting: true }),
  help: booleanFlag({ summary: "Show help", short: "h" }),
} as const;

/** The values of {@link globalFlags}. */
export type GlobalValues = ValuesOf<typeof globalFlags>;

function directoryFlag(text: FlagText & { readonly default: string }): Flag<string> {
  const flag = stringFlag({ placeholder: "DIR", setting: true, complete: "directory", ...text });
  return { ...flag, read: (values) => absolutePath(nonEmpty(flag.read(values))) };
}

/** A path, or a name to be found in PATH. */
function programFlag(text: FlagText & { readonly default: string }): Flag<string> {
  const flag = stringFlag(text);
  return {
    ...flag,
    read(values) {
      const value = nonEmpty(flag.read(values));
      return value.includes("/") ? absolutePath(value) : value;
    },
  };
}

/** Takes `unix:///run/x.sock` and bare paths, as ctr and nerdctl do. */
function addressFlag(text: FlagText): Flag<string | undefined> {
  const flag = stringFlag(text);
  return {
    ...flag,
    expected: "the path of a unix socket",
    read(values) {
      const value = flag.read(values);
      if (value === undefined) return undefined;
      const path = value.replace(/^unix:(\/\/)?(?=\/)/, "");
      if (path === "" || path.endsWith("/") || path.includes(":/")) {
        throw new RangeError(`${JSON.stringify(value)} is not the path of a unix socket`);
      }
      return absolutePath(path);
    },
  };
}

function nonEmpty(value: string): string {
  if (value === "") throw new RangeError('"" is not a path');
  return value;
}
