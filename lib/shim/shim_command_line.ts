import { type ProcessIdentity, readIdentity } from "../base/proc.ts";

/** Whose shim a process is, as its command line says. */
export interface ShimCommandLine {
  readonly namespace: string;
  /** Id of the container it was started for. */
  readonly id: string;
  /** What it was told as containerd's socket; of shims spoken to directly the directory of all bundles. */
  readonly address: string | undefined;
}

/** A shim that lives. */
export interface FoundShim extends ShimCommandLine {
  readonly identity: ProcessIdentity;
}

/** What the shim's program is run for beside serving; these end by themselves. */
export type ShimAction = "start" | "delete";

/**
 * All living shims of this machine for which `matches` is true; with an action, the processes that do that instead. Looks
 * at every process: milliseconds.
 */
export async function findShims(
  matches: (shim: ShimCommandLine) => boolean,
  action?: ShimAction,
): Promise<readonly FoundShim[]> {
  const found: FoundShim[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name) || !isWanted(readShim(name, action), matches)) continue;
    const identity = await readIdentity(Number(name));
    // Once more, now that its identity is known: the pid may have been given to another process.
    const shim = readShim(name, action);
    if (identity !== undefined && isWanted(shim, matches)) found.push({ identity, ...shim });
  }
  return found;
}

/** Reads the arguments of a process, its program first; undefined for what is no shim's server, or does not do `action`. */
export function parseShimCommandLine(argv: readonly string[], action?: ShimAction): ShimCommandLine | undefined {
  const [program = "", ...args] = argv;
  if (!/(^|\/)containerd-shim[^/]*$/.test(program) || actionOf(args) !== action) return undefined;
  const valueOf = (flag: string): string | undefined => {
    const index = args.indexOf(flag);
    return index < 0 ? undefined : args[index + 1];
  };
  const [namespace, id] = [valueOf("-namespace"), valueOf("-id")];
  return namespace === undefined || id === undefined ? undefined : { namespace, id, address: valueOf("-address") };
}

function isWanted(
  shim: ShimCommandLine | undefined,
  matches: (shim: ShimCommandLine) => boolean,
): shim is ShimCommandLine {
  return shim !== undefined && matches(shim);
}

/** The action comes last, where a container's id may also stand: a container may be called `start`. */
function actionOf(args: readonly string[]): ShimAction | undefined {
  const [before, last] = args.filter((arg) => arg !== "").slice(-2);
  if (before !== undefined && /^-(id|namespace|address|publish-binary|socket|bundle)$/.test(before)) return undefined;
  return last === "start" || last === "delete" ? last : undefined;
}

function readShim(pid: string, action: ShimAction | undefined): ShimCommandLine | undefined {
  try {
    return parseShimCommandLine(Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0"), action);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
