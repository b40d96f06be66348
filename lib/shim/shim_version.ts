import { deadline } from "../base/clock.ts";

/** How long a program may take to say its version; it takes 10 ms. */
const answerMs = 5000;

/**
 * The version of a shim's program as its `-v` prints it, e.g. `1.7.24~ds1` or `2.1.9+unknown`: without a leading v.
 * Undefined when the program cannot be run, says nothing of the kind, or hangs.
 */
export async function readShimVersion(program: string, signal?: AbortSignal): Promise<string | undefined> {
  using limit = deadline(answerMs, signal);
  try {
    const { stdout } = await new Deno.Command(program, {
      args: ["-v"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: limit.signal,
    }).output();
    return parseShimVersion(new TextDecoder().decode(stdout));
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** Finds the version in what `-v` printed: three lines since 1.2, of which `Version:` is the first. */
export function parseShimVersion(text: string): string | undefined {
  return /^\s*Version:\s*v?(\S+)/m.exec(text)?.[1];
}
