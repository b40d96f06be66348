/** Waiting for conditions: tests never sleep for a fixed time and hope. */

/** Options of {@link eventually}. */
export interface EventuallyOptions {
  /** What is waited for, for the error. */
  readonly what: string;
  /** Default 10 000. */
  readonly withinMs?: number | undefined;
  /** Default 20. */
  readonly everyMs?: number | undefined;
}

/** Asks again and again until the answer is neither undefined nor false, and gives it. Fails when it never is. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  options: EventuallyOptions,
): Promise<T> {
  const { what, withinMs = 10_000, everyMs = 20 } = options;
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
