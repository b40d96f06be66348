import type { TaskStatus } from "../wire/task.ts";
import { readShimAddress, type ShimAddress } from "./bundle_address.ts";
import { type Bundle, listBundles, listNamespaces, shimOf } from "./bundle.ts";
import { shimsBelow } from "./shim_process.ts";
import { readShimVersion } from "./shim_version.ts";
import { judge, type JudgeOptions, type Verdict } from "./verdict.ts";

/** A container as its shim, or its bundle, has it. */
export interface ShimContainer {
  readonly id: string;
  /** `unknown` unless its shim answers. */
  readonly status: TaskStatus;
}

/** A shim with its containers: usually one. */
export interface ShimSummary {
  readonly namespace: string;
  /** Undefined when it is dead, or does not answer and cannot be found. */
  readonly pid: number | undefined;
  /** Path of its program; undefined when its bundle does not say. */
  readonly program: string | undefined;
  /** Version of that program as it is now, e.g. `1.7.24`; undefined when it cannot be run. */
  readonly version: string | undefined;
  /** How it is spoken to. */
  readonly protocol: "ttrpc";
  /** The generation of the task service that it speaks; undefined when it has not said where it listens yet. */
  readonly service: ShimAddress["service"] | undefined;
  /** `silent` is not proved dead. `making` has no task yet. */
  readonly condition: "alive" | "silent" | "dead" | "making";
  readonly containers: readonly ShimContainer[];
}

/** The shims of all bundles below `root`, in all namespaces; each has 2 s to answer unless `deadlineMs` says otherwise. */
export async function listShims(root: string, options: JudgeOptions = {}): Promise<readonly ShimSummary[]> {
  const processes = await shimsBelow(root);
  const shims = new Map<string, Omit<ShimSummary, "version">>();
  for (const namespace of await listNamespaces(root)) {
    const { bundles } = await listBundles(root, namespace);
    const found = await Promise.all(bundles.map((bundle) => summary(bundle, options)));
    for (const { key, ...shim } of found) {
      const known = shims.get(key);
      const own = processes.find((process) => process.namespace === namespace && process.id === shim.containers[0]?.id);
      const pid = shim.pid ?? own?.identity.pid;
      // Containers that name the same socket share its shim.
      shims.set(
        key,
        known === undefined ? { ...shim, pid } : { ...known, containers: [...known.containers, ...shim.containers] },
      );
    }
  }
  const versions = await versionsOf([...shims.values()], options);
  return [...shims.values()].map((shim) => ({ ...shim, version: versions.get(shim.program) }));
}

/** Of each program, which is run once however many shims it has. */
async function versionsOf(
  shims: readonly Pick<ShimSummary, "program">[],
  { signal }: JudgeOptions,
): Promise<ReadonlyMap<string | undefined, string | undefined>> {
  const programs = [...new Set(shims.map(({ program }) => program))].filter((program) => program !== undefined);
  return new Map(
    await Promise.all(programs.map(async (program) => [program, await readShimVersion(program, signal)] as const)),
  );
}

async function summary(
  bundle: Bundle,
  options: JudgeOptions,
): Promise<Omit<ShimSummary, "version"> & { readonly key: string }> {
  const address = await readShimAddress(bundle.path);
  const verdict = await judge(bundle, options);
  const shim = "shim" in verdict ? verdict.shim : undefined;
  shim?.[Symbol.dispose]();
  return {
    key: address?.path ?? bundle.path,
    namespace: bundle.namespace,
    pid: shim?.process?.pid,
    program: await shimOf(bundle),
    protocol: "ttrpc",
    service: shim?.address.service ?? address?.service,
    condition: conditionOf(verdict),
    containers: [{ id: bundle.id, status: verdict.kind === "task" ? verdict.state.status : "unknown" }],
  };
}

function conditionOf(verdict: Verdict): ShimSummary["condition"] {
  switch (verdict.kind) {
    case "task":
      return "alive";
    case "deleted":
      return verdict.shim === undefined ? "dead" : "alive";
    case "half_made":
      return "dead";
    default:
      return verdict.kind;
  }
}
