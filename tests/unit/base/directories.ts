import { loadLibc } from "../../../lib/base/libc.ts";
import { mount, umount, umountFlags } from "../../../lib/base/libc_files.ts";

loadLibc();

/** A tmpfs of its own, to run out of space on; disposing unmounts and removes it. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Writes until nothing fits any more. */
  fill(): Promise<void>;
}

/** Mounts a tmpfs of the given size, e.g. `64k`. Needs root. */
export async function smallDisk(size: string): Promise<SmallDisk> {
  const path = await Deno.makeTempDir({ prefix: "gantry-disk-" });
  mount("tmpfs", path, { type: "tmpfs", data: `size=${size}` });
  return {
    path,
    async fill() {
      using file = await Deno.open(`${path}/filler`, { write: true, create: true, append: true });
      try {
        for (;;) await file.write(new Uint8Array(4096));
      } catch {
        // Full.
      }
    },
    async [Symbol.asyncDispose]() {
      umount(path, umountFlags.detach);
      await Deno.remove(path);
    },
  };
}

/** A directory that is removed with all that is in it. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "gantry-base-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** The names in a directory, sorted. */
export function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), (entry) => entry.name).sort();
}
