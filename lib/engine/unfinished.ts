import { removeIfExists } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { isId } from "../wire/identifier.ts";
import { type InstancePaths, unfinishedDirectory } from "./container_paths.ts";
import { isAlive, type Maker, thisMaker } from "./maker.ts";

/**
 * What is being made or removed at this moment, one empty file a container, named `ID.PID.STARTTIME` after who does it.
 * It is there before anything else of a container is, and goes after everything else: when its process dies in between,
 * whoever comes next knows what to clear away.
 */
export interface Unfinished {
  /** Marks a container as being worked on by this process. */
  begin(id: string): Promise<void>;
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
  const own = (id: string): string => {
    const { pid, startTime } = thisMaker();
    return `${directory}/${id}.${pid}.${startTime}`;
  };

  async function begin(id: string): Promise<void> {
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      // The name says everything and is made in one step: no reader sees half of it.
      using _file = await Deno.open(own(id), { write: true, create: true, mode: 0o600 });
    } catch (error) {
      throw systemError(error, `mark container ${id} in ${directory}`);
    }
  }

  async function end(id: string): Promise<void> {
    await removeIfExists(own(id));
  }

  async function dead(): Promise<readonly Mark[]> {
    return (await marksIn(directory)).filter((mark) => !isAlive(mark));
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

  return { begin, end, isMarked, abandoned, clear };
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
