/** When a program has come so far that it waits. */
import { eventually } from "./eventually.ts";
import type { GantryInstance } from "./gantry.ts";
import type { RunningProgram } from "./running_program.ts";
import { testRuntime } from "./test_runtime.ts";

/**
 * Looks how often containerd has been asked one of these RPCs; gives what waits until programs that are then started have
 * it asked so much `more`, or so often in `total`. Where there is no containerd they are waited for until they do nothing.
 */
export async function untilAsked(
  { containerd }: GantryInstance,
  rpcs: readonly string[],
  { more, total }: { readonly more?: number | undefined; readonly total?: number | undefined },
): Promise<(...programs: readonly RunningProgram[]) => Promise<void>> {
  if (testRuntime === "shim") {
    return async (...programs) => {
      for (const program of programs) await untilIdle(program);
    };
  }
  const asked = async (): Promise<number> => {
    const counts = [...await containerd.rpcCounts()].filter(([rpc]) => rpcs.some((name) => rpc.endsWith(`.${name}`)));
    return counts.reduce((sum, [, count]) => sum + count, 0);
  };
  const enough = total ?? await asked() + (more ?? 1);
  return async () => {
    await eventually(async () => await asked() >= enough, { what: `${rpcs.join(", ")} to be asked` });
  };
}

/** Waits until a program has used no CPU for a while, after it has used some. */
async function untilIdle({ pid }: RunningProgram): Promise<void> {
  let before = "";
  await eventually(async () => {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
    const [user, system] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14);
    const used = `${user} ${system}`;
    const same = used === before && used !== "0 0";
    before = used;
    return same;
  }, { what: `${pid} to be idle`, everyMs: 400 });
}
