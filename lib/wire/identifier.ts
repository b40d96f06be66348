import { GantryError } from "../base/errors.ts";

/** containerd's longest identifier (pkg/identifiers): ids and namespaces become directory names and unit names. */
const maxIdLength = 76;

/** docker has no limit of its own; 128 keeps names readable and far below containerd's 4096 bytes for a label. */
const maxNameLength = 128;

const idPattern = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const idRule = "letters and digits, parted by single ., _ or -";
const nameRule = "two characters or more of a-z, A-Z, 0-9, _, . and -, the first one a letter or a digit";

/** A new container or exec id: 64 hexadecimal digits. */
export function newId(): string {
  for (;;) {
    const id = crypto.getRandomValues(new Uint8Array(32)).toHex();
    // The short form becomes the host name, and programs take one of digits only for an address (moby#3869).
    if (!/^[0-9]+$/.test(shortId(id))) return id;
  }
}

/** The first 12 characters, as tables and host names show an id. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/** True for 64 hexadecimal digits, as {@link newId} makes them: never taken for a name or for the start of an id. */
export function isWholeId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** True for what {@link assertId} lets pass. */
export function isId(text: string): boolean {
  return text.length <= maxIdLength && idPattern.test(text);
}

/** True for what {@link assertName} lets pass. */
export function isName(text: string): boolean {
  return text.length <= maxNameLength && namePattern.test(text);
}

/**
 * Throws `invalid_argument` unless `id` is an identifier by containerd's rule. Called before an id becomes part of a path:
 * nothing that passes can name another directory.
 */
export function assertId(id: string): void {
  assertIdentifier(id, "container id");
}

/** Throws `invalid_argument` unless `namespace` is a containerd namespace; the rule is that of ids. */
export function assertNamespace(namespace: string): void {
  assertIdentifier(namespace, "namespace");
}

/** Throws `invalid_argument` unless `name` is a container name by docker's rule, of at most 128 characters. */
export function assertName(name: string): void {
  if (name.length > maxNameLength) throw tooLong(name, "container name", maxNameLength);
  if (!isName(name)) throw refused(name, "container name", nameRule);
}

function assertIdentifier(text: string, what: string): void {
  if (text.length > maxIdLength) throw tooLong(text, what, maxIdLength);
  if (!idPattern.test(text)) throw refused(text, what, idRule);
}

function tooLong(text: string, what: string, limit: number): GantryError {
  const shown = `${text.slice(0, 40)}…`;
  return new GantryError(
    "invalid_argument",
    `${what} ${JSON.stringify(shown)} is ${text.length} characters long, the limit is ${limit}`,
    { hint: "choose a shorter one" },
  );
}

function refused(text: string, what: string, rule: string): GantryError {
  return new GantryError("invalid_argument", `${JSON.stringify(text)} is not a ${what}`, {
    hint: `it must be ${rule}`,
  });
}
