import { buildInfo } from "../../base/build_info.ts";
import { cgroupMode } from "../../base/cgroup.ts";
import { messageOf } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine } from "../engine.ts";
import { labelledLines } from "../labelled.ts";

/** Shows what can be seen without asking anybody. */
export async function run(_: Invocation<unknown>, context: CliContext): Promise<number> {
  const { settings, sources, output } = context;
  const { kind, address, origin } = await chooseEngine(context);
  const record = {
    gantry: buildInfo(),
    host: {
      kernel: Deno.osRelease(),
      architecture: Deno.build.arch,
      cgroups: await cgroupMode().catch((error: unknown) => `none (${messageOf(error)})`),
      cpus: navigator.hardwareConcurrency,
      memoryBytes: Deno.systemMemoryInfo().total,
      uid: context.io.uid(),
    },
    instance: { state: settings.state, root: settings.root, settings: sources.file?.path ?? null },
    engine: { kind, address, origin, namespace: settings.namespace },
  };
  output.one(record, ({ gantry, host, instance, engine }) =>
    labelledLines([
      ["gantry", `${gantry.version} (commit ${gantry.commit}, ${gantry.built}, Deno ${gantry.deno})`],
      ["kernel", `${host.kernel} ${host.architecture}`],
      ["cgroups", host.cgroups],
      ["cpus", String(host.cpus)],
      ["memory", `${Math.round(host.memoryBytes / 1024 ** 2)} MiB`],
      ["state", instance.state],
      ["root", instance.root],
      ["settings", instance.settings ?? "no file"],
      ["engine", `${engine.kind} at ${engine.address} (${originWords[engine.origin]})`],
      ["namespace", engine.namespace],
    ]));
  return 0;
}

const originWords = {
  given: "given",
  instance: "supervised by gantry",
  system: "the system's",
  alone: "for want of a containerd",
} as const;
