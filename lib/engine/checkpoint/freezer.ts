/** Whether the kernel has frozen a container, read from its control group: asking a shim would be an RPC. */

const mountPoint = "/sys/fs/cgroup";

/** True when the processes beside `pid` in its control group are frozen, as a paused container's are. */
export function isFrozen(pid: number): boolean {
  return freezerFiles(pid).some(({ path, frozen }) => frozen.test(readNow(path)));
}

/** Freezes them or lets them go on, past the runtime: for one that died over it or remembers it wrongly. */
export function setFrozen(pid: number, frozen: boolean): void {
  for (const { path, words } of freezerFiles(pid)) {
    if (readNow(path) !== "") Deno.writeTextFileSync(path, frozen ? words[0] : words[1]);
  }
}

interface FreezerFile {
  readonly path: string;
  readonly frozen: RegExp;
  /** What to write to freeze, and to let go. */
  readonly words: readonly [string, string];
}

/** Of cgroup v1 and v2; on a hybrid host only one of them is there. */
function freezerFiles(pid: number): readonly FreezerFile[] {
  return readNow(`/proc/${pid}/cgroup`).split("\n").flatMap((line): readonly FreezerFile[] => {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(\/.+)$/.exec(line) ?? [];
    if (path === "") return [];
    if (controllers === "") {
      return [{ path: `${mountPoint}${path}/cgroup.freeze`, frozen: /^1/, words: ["1", "0"] }];
    }
    if (!controllers.split(",").includes("freezer")) return [];
    return [{
      path: `${mountPoint}/freezer${path}/freezer.state`,
      frozen: /^FREEZING|^FROZEN/,
      words: ["FROZEN", "THAWED"],
    }];
  });
}

/** Synchronous: the kernel answers from memory. Empty when it is not there. */
function readNow(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
