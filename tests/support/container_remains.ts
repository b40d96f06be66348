/** What containers can leave behind, and how tests find it. */
import assert from "node:assert/strict";
import { mountsOf } from "./leftovers.ts";
import { killProcess, scopedProcesses } from "./scoped_processes.ts";

/** Where things of the containers of one instance are. */
export interface ContainerPlaces {
  /** Mounts and processes are looked for by it. */
  readonly directory: string;
  /** Folders with a folder for each namespace, which stays. */
  readonly folders: readonly string[];
  /** Where runc keeps what it knows of a container. */
  runcState(id: string): string;
  /** The shim's socket, if its name is known. */
  shimSocket(id: string): Promise<string | undefined>;
}

/** What is left of these containers, one line a thing. Processes of `pids` are none of them. */
export async function remainsOf(
  places: ContainerPlaces,
  { ids, pids }: { readonly ids: Iterable<string>; readonly pids: readonly number[] },
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const folder of places.folders) lines.push(...await below(folder));
  for (const id of ids) {
    if (await exists(places.runcState(id))) lines.push(`runc state of ${id}`);
    const socket = await places.shimSocket(id);
    if (socket !== undefined && await exists(socket)) lines.push(`shim socket ${socket} of ${id}`);
    lines.push(...(await cgroupsOf(id)).map((path) => `cgroup ${path}`));
  }
  lines.push(...(await mountsOf(places.directory)).map((path) => `mount ${path}`));
  const processes = await scopedProcesses(places.directory);
  lines.push(...processes.filter(({ pid }) => !pids.includes(pid)).map(({ command }) => `process ${command}`));
  return lines;
}

/** Ends and removes what is left of these containers, their files aside. */
export async function endRemains(places: ContainerPlaces, ids: Iterable<string>): Promise<void> {
  for (let round = 0; round < 50; round++) {
    const processes = await scopedProcesses(places.directory);
    if (processes.length === 0) break;
    for (const process of processes) await killProcess(process);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const path of await mountsOf(places.directory)) {
    await new Deno.Command("umount", { args: ["-l", path], stdin: "null" }).output();
  }
  for (const id of ids) {
    await Deno.remove(places.runcState(id), { recursive: true }).catch(() => {});
    for (const path of await cgroupsOf(id)) await Deno.remove(path).catch(() => {});
  }
  assert.deepEqual(await mountsOf(places.directory), []);
}

/** Where the shims of all three versions listen that containerd starts: a hash of what it tells them. */
export async function containerdShimSocket(address: string, id: string): Promise<string> {
  const named = new TextEncoder().encode(`${address}/default/${id}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", named)).toHex();
  return `/run/containerd/s/${hash}`;
}

/** The control groups of a container, in every hierarchy. */
export async function cgroupsOf(id: string): Promise<readonly string[]> {
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  const points = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4] ?? "");
  const found: string[] = [];
  for (const point of points) if (await exists(`${point}/gantry/${id}`)) found.push(`${point}/gantry/${id}`);
  return found;
}

/** What is below a folder, the folders of namespaces aside: they stay. */
export async function below(folder: string, depth = 0): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) found.push(...await below(path, depth + 1));
      if (!isDirectory || depth > 0) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** True when there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
