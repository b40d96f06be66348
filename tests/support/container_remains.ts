/** What a container can leave behind outside of containerd. */

/** Where runc keeps what it knows of a container. */
export function runcState(id: string): string {
  return `/run/containerd/runc/default/${id}`;
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
