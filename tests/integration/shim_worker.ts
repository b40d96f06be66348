/** A process of its own that runs containers on shims, to be killed at any moment: `shim_worker.ts SETTINGS-AS-JSON`. */
import { ShimTasks } from "../../lib/shim/shim_tasks.ts";

const settings: {
  readonly root: string;
  readonly namespace: string;
  readonly path: string;
  readonly way: "direct" | "start";
  readonly contents: Readonly<Record<string, { readonly config: string; readonly shim: string }>>;
} = JSON.parse(Deno.args[0] ?? "");

const { root, namespace, path, way, contents } = settings;
using tasks = new ShimTasks({
  root,
  namespace,
  path,
  way,
  content(id) {
    const content = contents[id];
    if (content === undefined) throw new Error(`no ${id}`);
    return content;
  },
});
const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
console.log("ready");
for (const containerId of Object.keys(contents)) {
  await tasks.create({ containerId, rootfs: [], stdio });
  await tasks.start({ containerId });
  const { process } = JSON.parse(contents[containerId]?.config ?? "");
  const exec = { containerId, execId: "e" };
  await tasks.exec({ process: exec, spec: { ...process, args: ["/bin/true"] }, stdio });
  await tasks.start(exec);
  await tasks.wait(exec);
  await tasks.delete(exec);
  await tasks.kill({ containerId }, { signal: 9 });
  await tasks.wait({ containerId });
  await tasks.delete({ containerId });
}
console.log("done");
