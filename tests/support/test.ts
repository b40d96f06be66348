/**
 * The way tests of gantry are registered: sanitizers on, a deadline, and a reason whenever a test cannot run here.
 * An ignored test without a reason would look like a test that passes.
 */

import { loadLibc } from "../../lib/base/libc.ts";

// Loaded once and for the life of the process: before the first test, or the sanitizer takes it for a leak of that test.
loadLibc();

/** What a test does. */
export type TestBody = (t: Deno.TestContext) => void | Promise<void>;

/** Options of {@link test}. */
export interface TestOptions {
  /** Why the test cannot run on this machine; it is then reported as ignored and the reason is printed. Default: it runs. */
  readonly skip?: string | undefined;
  /** The test fails when it takes longer, in milliseconds. Default: 120 000. */
  readonly timeoutMs?: number | undefined;
  /** Fails on async operations that outlive the test. Default: true; false needs a comment beside it that says why. */
  readonly sanitizeOps?: boolean | undefined;
  /** Fails on files, sockets and children that outlive the test. Default: true; false needs a comment that says why. */
  readonly sanitizeResources?: boolean | undefined;
}

const defaultTimeoutMs = 120_000;

/** Registers a test. Its name is a sentence; one that proves an acceptance sentence starts with its number (`S07 …`). */
export function test(name: string, body: TestBody): void;
export function test(name: string, options: TestOptions, body: TestBody): void;
export function test(name: string, first: TestOptions | TestBody, second?: TestBody): void {
  const options = typeof first === "function" ? {} : first;
  const body = typeof first === "function" ? first : second;
  if (body === undefined) throw new TypeError(`test ${JSON.stringify(name)} has no body`);
  if (options.skip !== undefined) console.log(`skipped: ${name}: ${options.skip}`);
  Deno.test({
    name,
    ignore: options.skip !== undefined,
    sanitizeOps: options.sanitizeOps ?? true,
    sanitizeResources: options.sanitizeResources ?? true,
    sanitizeExit: true,
    timeout: options.timeoutMs ?? defaultTimeoutMs,
    fn: body,
  });
}

/** The first of the given reasons that is not undefined, for tests with more than one condition. */
export function firstReason(...reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}

/** A reason to skip when the tests do not run as root, undefined otherwise. */
export function needsRoot(): string | undefined {
  return Deno.uid() === 0 ? undefined : "needs root";
}
