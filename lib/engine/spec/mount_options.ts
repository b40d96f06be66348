import { parseBytes } from "../../base/bytes.ts";
import { didYouMean } from "../../base/suggest.ts";
import type { MountOption, RootfsOption } from "../container_options.ts";
import { absolutePath, cleanPath } from "./paths.ts";
import { refusal, type Refuse } from "./refusal.ts";

/** Options of the parsers that take host paths. */
export interface HostPathOptions {
  /** Absolute directory that relative host paths start from. Default: the working directory. */
  readonly cwd?: string | undefined;
}

/** How mounts made on one side of a bind appear on the other (mount_namespaces(7)). */
export const propagations: readonly string[] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

const flagOptions = ["ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec"];
// z and Z relabel for SELinux in docker; the spec builder says that they do nothing here.
const bindOptions = [...flagOptions, ...propagations, "rbind", "bind", "rro", "z", "Z"];
const tmpfsFlags = [...flagOptions, "noatime", "atime", "relatime", "strictatime", "sync", "async"];
const tmpfsValues = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks"];
const mountKeys = [
  "type",
  "source",
  "target",
  "readonly",
  "bind-propagation",
  "bind-recursive",
  "tmpfs-size",
  "tmpfs-mode",
];
const keyAliases: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
};
const recursions: Readonly<Record<string, readonly string[]>> = {
  enabled: ["rbind"],
  disabled: ["bind"],
  writable: ["rbind"],
  readonly: ["rbind", "rro"],
};

/**
 * A bind mount as `-v` takes it: `SOURCE:TARGET[:OPTIONS]`, options separated by commas. A source that starts with `.` is
 * relative to the working directory; a bare name is docker's named volume, which gantry does not have.
 * `invalid_argument` for anything else.
 */
export function parseVolume(text: string, options: HostPathOptions = {}): MountOption {
  const refuse = refusal("-v", text);
  const [source = "", target, words, ...more] = text.split(":");
  if (more.length > 0) throw refuse("has more than two colons", "use --mount for paths that contain a colon");
  if (target === undefined) throw refuse("has no target", "write -v SOURCE:TARGET[:OPTIONS]");
  if (!/^[./]/.test(source)) {
    const hint = source === "" ? "write -v SOURCE:TARGET[:OPTIONS]" : `for a directory write ./${source}`;
    throw refuse(source === "" ? "has no source" : "names a volume, and gantry has no named volumes", hint);
  }
  const given = words === undefined ? [] : words.split(",");
  for (const word of given) assertKnown(word, { known: bindOptions, refuse });
  assertOne(given, { of: propagations, refuse });
  assertOne(given, { of: ["ro", "rw"], refuse });
  assertOne(given, { of: ["bind", "rbind"], refuse });
  return {
    type: "bind",
    source: hostPath(source, { cwd: options.cwd, refuse }),
    target: targetPath(target, refuse),
    options: given,
  };
}

/**
 * A mount as `--mount` takes it: comma-separated `KEY=VALUE`, a value with commas inside double quotes as in CSV.
 * Keys: `type` (bind or tmpfs), `source` or `src`, `target`, `dst` or `destination`, `readonly` or `ro`,
 * `bind-propagation`, `bind-recursive`, `tmpfs-size`, `tmpfs-mode`. Anything else is `invalid_argument`.
 */
export function parseMount(text: string, options: HostPathOptions = {}): MountOption {
  const refuse = refusal("--mount", text);
  const fields = mountFields(text, refuse);
  const type = fields.get("type");
  if (type !== "bind" && type !== "tmpfs") {
    const why = type === undefined ? "has no type" : `has the unknown type ${JSON.stringify(type)}`;
    throw refuse(why, "write type=bind,source=…,target=… or type=tmpfs,target=…");
  }
  const foreign = [...fields.keys()].find((key) => key.startsWith(type === "bind" ? "tmpfs-" : "bind-"));
  if (foreign !== undefined) throw refuse(`has ${foreign}, which is not for type=${type}`);
  const target = targetPath(fields.get("target") ?? "", refuse);
  const readOnly = isTrue(fields.get("readonly"), refuse) ? ["ro"] : [];
  if (type === "tmpfs") {
    if (fields.has("source")) throw refuse("has a source, which is not for type=tmpfs");
    return { type, target, options: [...readOnly, ...tmpfsFields(fields, refuse)] };
  }
  const source = fields.get("source");
  if (source === undefined || source === "") throw refuse("has no source", "write source=DIRECTORY or source=FILE");
  return {
    type,
    source: hostPath(source, { cwd: options.cwd, refuse }),
    target,
    options: [...readOnly, ...bindFields(fields, refuse)],
  };
}

/** A tmpfs as `--tmpfs` takes it: `TARGET[:OPTIONS]`, e.g. `/run:size=64m,mode=1777`. */
export function parseTmpfs(text: string): MountOption {
  const refuse = refusal("--tmpfs", text);
  const colon = text.indexOf(":");
  const words = colon < 0 ? [] : text.slice(colon + 1).split(",");
  for (const word of words) assertTmpfsOption(word, refuse);
  return { type: "tmpfs", target: targetPath(colon < 0 ? text : text.slice(0, colon), refuse), options: words };
}

/** A root filesystem as `--rootfs` takes it: `DIR`, or `DIR:O` for a throw-away overlay over it. */
export function parseRootfs(text: string, options: HostPathOptions = {}): RootfsOption {
  const refuse = refusal("--rootfs", text);
  const overlay = text.endsWith(":O");
  const path = overlay ? text.slice(0, -2) : text;
  if (path === "") throw refuse("names no directory");
  const suffix = /:([A-Za-z]*)$/.exec(path)?.[1];
  if (suffix !== undefined) throw refuse(`has the unknown option ${JSON.stringify(suffix)}`, "the only one is :O");
  return { path: hostPath(path, { cwd: options.cwd, refuse }), overlay };
}

interface Choice {
  readonly known: readonly string[];
  readonly refuse: Refuse;
}

function assertKnown(word: string, { known, refuse }: Choice): void {
  if (known.includes(word)) return;
  if (word === "") throw refuse("has an empty option");
  throw refuse(
    `has the unknown option ${JSON.stringify(word)}`,
    didYouMean(word, known) ?? `options are ${known.join(", ")}`,
  );
}

function assertOne(
  words: readonly string[],
  choice: { readonly of: readonly string[]; readonly refuse: Refuse },
): void {
  const given = words.filter((word) => choice.of.includes(word));
  if (given.length > 1) throw choice.refuse(`has both ${given[0]} and ${given[1]}`, "give one of them");
}

interface HostPathContext {
  readonly cwd: string | undefined;
  readonly refuse: Refuse;
}

function hostPath(path: string, { cwd, refuse }: HostPathContext): string {
  if (path.includes("\0")) throw refuse("contains a NUL");
  return absolutePath(path, cwd);
}

function targetPath(target: string, refuse: Refuse): string {
  if (target === "") throw refuse("has no target");
  if (target.includes("\0")) throw refuse("contains a NUL");
  if (!target.startsWith("/")) {
    throw refuse("has a target that is not absolute", "the target is a path in the container");
  }
  const path = cleanPath(target);
  if (path === "/") throw refuse("has / as its target", "give another root filesystem with --rootfs instead");
  return path;
}

function mountFields(text: string, refuse: Refuse): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const field of splitCsv(text, refuse)) {
    const equals = field.indexOf("=");
    const given = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    const key = keyAliases[given] ?? given;
    assertKnown(key, { known: mountKeys, refuse });
    if (fields.has(key)) throw refuse(`has ${key} twice`);
    if (equals < 0 && key !== "readonly") throw refuse(`has ${key} without a value`);
    fields.set(key, equals < 0 ? "true" : field.slice(equals + 1));
  }
  return fields;
}

/** One line of CSV (RFC 4180): a field in double quotes may hold commas, and a doubled quote in it is one. */
function splitCsv(text: string, refuse: Refuse): readonly string[] {
  const fields: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) throw refuse("has a double quote in the wrong place", 'write "source=/a,b",target=/c');
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return fields;
  }
}

function bindFields(fields: ReadonlyMap<string, string>, refuse: Refuse): readonly string[] {
  const words: string[] = [];
  const recursive = fields.get("bind-recursive");
  if (recursive !== undefined) {
    const known = Object.keys(recursions);
    assertKnown(recursive, { known, refuse });
    words.push(...recursions[recursive] ?? []);
  }
  const propagation = fields.get("bind-propagation");
  if (propagation === undefined) return words;
  assertKnown(propagation, { known: propagations, refuse });
  return [...words, propagation];
}

function tmpfsFields(fields: ReadonlyMap<string, string>, refuse: Refuse): readonly string[] {
  const words: string[] = [];
  const size = fields.get("tmpfs-size");
  if (size !== undefined) words.push(`size=${size}`);
  const mode = fields.get("tmpfs-mode");
  if (mode !== undefined) words.push(`mode=${mode}`);
  for (const word of words) assertTmpfsOption(word, refuse);
  return words;
}

function assertTmpfsOption(word: string, refuse: Refuse): void {
  const equals = word.indexOf("=");
  if (equals < 0) return assertKnown(word, { known: tmpfsFlags, refuse });
  const [key, value] = [word.slice(0, equals), word.slice(equals + 1)];
  assertKnown(key, { known: tmpfsValues, refuse });
  if (key === "size" && /^[0-9]+%$/.test(value)) return;
  if (key === "size") return assertSize(value, refuse);
  if (!(key === "mode" ? /^[0-7]{1,5}$/ : /^[0-9]{1,10}$/).test(value)) {
    throw refuse(`has ${key}=${value}`, key === "mode" ? "a mode is octal, e.g. mode=1777" : `${key} is a number`);
  }
}

function assertSize(value: string, refuse: Refuse): void {
  // The kernel knows k, m and g alone; what docker's units allow beyond that would be refused only at the mount.
  if (/^[0-9]+[kmg]?$/i.test(value) && parseBytes(value) > 0) return;
  throw refuse(`has size=${value}`, "write size=64m (k, m or g) or size=50%");
}

function isTrue(value: string | undefined, refuse: Refuse): boolean {
  if (value === undefined || value === "false" || value === "0") return false;
  if (value === "true" || value === "1") return true;
  throw refuse(`has readonly=${value}`, "write readonly, readonly=true or readonly=false");
}
