import { errnoError } from "../../base/errno.ts";
import { Descriptor, linkTarget, openPlace, placeFlags } from "./file_calls.ts";

const mostLinks = 40;

/**
 * Does what openat2(2) does with RESOLVE_IN_ROOT, for kernels before 5.6: opens the directory `path` below `root`, one
 * name at a time, each by the descriptor of the one before. Links are read from an open link and walked here, so nobody
 * can turn a name into a link between a check and its use; `..` goes back to a descriptor we came through, never above
 * `root`. `followed` false refuses links (ELOOP).
 */
export function walkBelow(root: Descriptor, path: string, options: { readonly followed: boolean }): Descriptor {
  const open: Descriptor[] = [];
  try {
    const pending = namesOf(path);
    for (let links = 0; pending.length > 0;) {
      const name = pending.pop() ?? "";
      if (name === "..") {
        const last = open.at(-1);
        // ENOTDIR when it is a file: `file/..` is no path, as for the kernel.
        if (last !== undefined) openDirectory(last)[Symbol.dispose]();
        open.pop()?.[Symbol.dispose]();
        continue;
      }
      const next = openPlace(name, placeFlags.path | placeFlags.noFollow, open.at(-1) ?? root);
      const target = linkTarget(next);
      if (target === undefined) {
        open.push(next);
        continue;
      }
      next[Symbol.dispose]();
      if (!options.followed || ++links > mostLinks) throw errnoError("ELOOP", `open ${path}`);
      if (target.startsWith("/")) close(open);
      pending.push(...namesOf(target));
    }
    // Proves that the last one is a directory, and leaves the list to be closed whole.
    return openDirectory(open.at(-1) ?? root);
  } finally {
    close(open);
  }
}

function openDirectory(open: Descriptor): Descriptor {
  return openPlace(".", placeFlags.path | placeFlags.directory, open);
}

/** Last name first. */
function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".").reverse();
}

function close(open: Descriptor[]): void {
  for (let next = open.pop(); next !== undefined; next = open.pop()) next[Symbol.dispose]();
}
