/** What all topics write into: printed at once, and kept for dist/bench.json. */
import { type Contender, interleaved, printFigures } from "./measure.ts";
import type { Supervised } from "./peers.ts";

/** Everything measured in this run, by topic. */
export const results: Record<string, unknown> = {};

/** Few rounds, to see that it works. */
export const quick: boolean = Deno.args.includes("--quick");

/** Measures contenders against each other and reports them under `key`. The last one is the peer. */
export async function compare(
  key: string,
  { title, contenders, rounds }: {
    readonly title: string;
    readonly contenders: readonly Contender[];
    readonly rounds: number;
  },
): Promise<void> {
  const figures = await interleaved(contenders, rounds);
  results[key] = figures;
  printFigures(title, figures);
}

/** Counts the RPCs that containerd gets while each of `works` runs once. */
export async function countRpcs(
  key: string,
  containerd: Supervised,
  works: readonly (readonly [name: string, work: () => Promise<unknown>])[],
): Promise<void> {
  const counts: Record<string, Readonly<Record<string, number>>> = {};
  for (const [name, work] of works) {
    const before = await containerd.rpcCounts?.() ?? new Map<string, number>();
    await work();
    const after = await containerd.rpcCounts?.() ?? new Map<string, number>();
    const asked = Array.from(after, ([method, count]) => [method, count - (before.get(method) ?? 0)] as const)
      .filter(([, count]) => count > 0);
    counts[name] = Object.fromEntries(asked);
    const total = asked.reduce((sum, [, count]) => sum + count, 0);
    const list = asked.map(([method, count]) => `${method.replace(/^.*\./, "")}${count > 1 ? ` x${count}` : ""}`);
    console.log(`  ${name.padEnd(44)} ${String(total).padStart(3)} RPCs: ${list.join(", ")}`);
  }
  results[`${key}Rpcs`] = counts;
}
