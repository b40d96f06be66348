/** Timing by whole rounds: every contender once a round, so that a noisy moment of the machine hits all alike. */

/** What is measured under one name. */
export interface Contender {
  readonly name: string;
  /** Does it once and says how long it took, in milliseconds. */
  run(): Promise<number>;
}

/** A process to be started and waited for, with new arguments each time. */
export function processContender(name: string, program: string, args: () => readonly string[]): Contender {
  return { name, run: () => timeProcess(program, args()) };
}

/** Figures of one contender. Milliseconds. */
export interface Figures {
  readonly name: string;
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  /** Median divided by the peer's; undefined for the peer itself. */
  readonly ratio?: number | undefined;
}

/** Runs all contenders `rounds` times in turn, after one round that does not count. The last one is the peer. */
export async function interleaved(contenders: readonly Contender[], rounds: number): Promise<readonly Figures[]> {
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const contender of contenders) {
      const ms = await contender.run();
      if (round >= 0) samples.get(contender.name)?.push(ms);
    }
  }
  const peer = contenders.at(-1)?.name ?? "";
  const peerMedian = quantile(samples.get(peer) ?? [], 0.5);
  return contenders.map(({ name }) => {
    const values = samples.get(name) ?? [];
    const median = quantile(values, 0.5);
    return {
      name,
      runs: values.length,
      min: toTenth(Math.min(...values)),
      median: toTenth(median),
      p95: toTenth(quantile(values, 0.95)),
      ratio: name === peer ? undefined : Math.round((median / peerMedian) * 1000) / 1000,
    };
  });
}

/** Wall time of a process from its start to its end, in milliseconds. Throws when it fails. */
export async function timeProcess(program: string, args: readonly string[]): Promise<number> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", stdout: "piped", stderr: "piped" });
  const before = performance.now();
  const { success, code, stderr } = await command.output();
  const ms = performance.now() - before;
  if (!success) {
    throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
  }
  return ms;
}

/** The value below which the share `q` of the values lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** Prints one table. */
export function printFigures(title: string, figures: readonly Figures[]): void {
  console.log(`\n${title}`);
  for (const { name, runs, min, median, p95, ratio } of figures) {
    const numbers = [["min", min], ["median", median], ["p95", p95]].map(([label, value]) =>
      `${label} ${Number(value).toFixed(1).padStart(8)}`
    );
    const against = ratio === undefined ? "" : `   ${ratio.toFixed(3)} x`;
    console.log(`  ${name.padEnd(44)} n=${String(runs).padEnd(4)} ${numbers.join("  ")} ms${against}`);
  }
}

function toTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
