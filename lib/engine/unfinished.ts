import { removeIfExists } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { isId } from "../wire/identifier.ts";
import { type InstancePaths, unfinishedDirectory } from "./container_paths.ts";
import { isAlive, type Maker, makerOf, thisMaker } from "./maker.ts";

/**
 * What is being made or removed at this moment, one empty file a container, named `ID.PID.STARTTIME` after who does it.
 * It is there before anything else of a container is, and goes after everything else: when its process dies in between,
 * whoever comes next knows what to clear away.
 */
export interface Unfinished {
  /** Marks a container as being worked on by this process. */
  begin(id: string): void;
  /** Gives this process' mark to a child of it, which goes on with the work. */
  handOver(id: string, pid: number): Promise<void>;
  /** Takes this process' mark away. */
  end(id: string): Promise<void>;
  /** True while a process works on a container, and after it died over that until it is cleared away. */
  isMarked(id: string): Promise<boolean>;
  /** Containers whose process died over its work, each to be cleared away and told to {@link clear}. */
  abandoned(): Promise<readonly string[]>;
  /** Takes the marks of dead processes off a container that has been cleared away. */
  clear(id: string): Promise<void>;
}

interface Mark extends Maker {
  readonly file: string;
  readonly id: string;
}

/** The marks of one namespace of an instance. */
export function openUnfinished(instance: InstancePaths, namespace: string): Unfinished {
  const directory = unfinishedDirectory(instance, namespace);
  const markOf = (id: string, { pid, startTime }: Maker): string => `${directory}/${id}.${pid}.${startTime}`;
  const own = (id: string): string => markOf(id, thisMaker());

  // Synchronous: on the way of every run, where the first asynchronous call on a file takes milliseconds.
  function mark(id: string, path: string): void {
    try {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      // The name says everything and is made in one step: no reader sees half of it.
      using _file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
    } catch (error) {
      throw systemError(error, `mark container ${id} in ${directory}`);
    }
  }

  function begin(id: string): void {
    mark(id, own(id));
  }

  async function handOver(id: string, pid: number): Promise<void> {
    const child = makerOf(pid);
    // One that has ended already leaves our mark, by which the work is found again.
    if (child === undefined) return;
    mark(id, markOf(id, child));
    await end(id);
  }

  async function end(id: string): Promise<void> {
    await removeIfExists(own(id));
  }

  async function dead(): Promise<readonly Mark[]> {
    const ended = (await marksIn(directory)).filter((mark) => !isAlive(mark));
    // One that has ended since they were listed may have taken its mark away first: what is here still is left for good.
    return ended.filter(({ file }) => isThere(`${directory}/${file}`));
  }

  async function isMarked(id: string): Promise<boolean> {
    return (await marksIn(directory)).some((mark) => mark.id === id);
  }

  async function abandoned(): Promise<readonly string[]> {
    return [...new Set((await dead()).map(({ id }) => id))];
  }

  async function clear(id: string): Promise<void> {
    for (const mark of await dead()) if (mark.id === id) await removeIfExists(`${directory}/${mark.file}`);
  }

  return { begin, handOver, end, isMarked, abandoned, clear };
}

async function marksIn(directory: string): Promise<readonly Mark[]> {
  const marks: Mark[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      const [, id, pid, startTime] = /^(.+)\.([0-9]+)\.([0-9]+)$/.exec(name) ?? [];
      if (id === undefined || pid === undefined || startTime === undefined || !isId(id)) continue;
      marks.push({ file: name, id, pid: Number(pid), startTime });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `list ${directory}`);
  }
  return marks;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
