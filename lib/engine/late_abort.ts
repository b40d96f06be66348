import type { Clock } from "../base/clock.ts";

/** A signal that comes some time after another; dispose it to call that off. */
export interface LateAbort extends Disposable {
  readonly signal: AbortSignal | undefined;
}

/** Makes a signal that is aborted `graceMs` after `signal` is, for a call that should rather end by itself. */
export function lateAbort(
  signal: AbortSignal | undefined,
  { clock, graceMs }: { readonly clock: Clock; readonly graceMs: number },
): LateAbort {
  if (signal === undefined) return { signal, [Symbol.dispose]() {} };
  const late = new AbortController();
  const off = new AbortController();
  const onAbort = (): void => {
    clock.sleep(graceMs, { signal: off.signal }).then(() => late.abort(signal.reason), () => {});
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: late.signal,
    [Symbol.dispose]() {
      signal.removeEventListener("abort", onAbort);
      off.abort();
    },
  };
}
