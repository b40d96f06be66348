import { GantryError } from "../../base/errors.ts";

/** One side of a copy as the user wrote it: `PATH`, `CONTAINER:PATH`, or `-` for a tar on stdin or stdout. */
export interface CopyArgument {
  /** Name or id of the container; undefined for the host. */
  readonly container?: string | undefined;
  /** The path; `-` (with no container) for a tar. */
  readonly path: string;
}

/** What the end of a path says. */
export interface CopyPath {
  /** Without `/` and `/.` at its end; `/` for the root. */
  readonly path: string;
  /** Its last name; empty for `/`, `.` and `..`. */
  readonly name: string;
  /** It ends with `/`, `.` or `..`: what is there must be a directory. */
  readonly directory: boolean;
  /** It ends with `/.`: what is in the directory is meant, not the directory. */
  readonly contents: boolean;
}

/** What docker calls a container's path: `NAME:PATH`. `/a:b`, `./a:b` and `../a:b` are paths of the host. */
export function parseCopyArgument(argument: string): CopyArgument {
  const colon = argument.indexOf(":");
  if (argument === "") throw new GantryError("invalid_argument", "a path to copy is empty");
  if (colon < 0 || argument.startsWith("/") || argument.startsWith(".")) return { path: argument };
  if (colon === 0) {
    throw new GantryError("invalid_argument", `${JSON.stringify(argument)} names no container`, {
      hint: "write CONTAINER:PATH, or ./PATH for a file of the host whose name has a colon",
    });
  }
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) || "/" };
}

/** Reads the end of a path as docker does. */
export function parseCopyPath(text: string): CopyPath {
  const trimmed = text.replace(/\/+$/, "");
  const last = trimmed.slice(trimmed.lastIndexOf("/") + 1);
  const contents = last === ".";
  const path = (contents ? trimmed.slice(0, -1) : trimmed).replace(/(.)\/+$/, "$1");
  const isDots = last === "." || last === "..";
  return {
    path: path === "" ? (text.startsWith("/") ? "/" : ".") : path,
    name: isDots ? "" : last,
    directory: isDots || text.endsWith("/"),
    contents,
  };
}
