/** The keys that leave a container running: docker's syntax, docker's default. */
import { type Clock, systemClock } from "../base/clock.ts";
import { GantryError } from "../base/errors.ts";

/** What docker and podman listen for. */
export const defaultDetachKeys = "ctrl-p,ctrl-q";

/**
 * The bytes of `ctrl-p,ctrl-q`: keys separated by commas, each one character or `ctrl-` and one of `a`–`z`, `@ [ \ ] ^ _`.
 * The empty text is no sequence. GantryError invalid_argument names the key that is not understood.
 */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return new Uint8Array();
  return new Uint8Array(text.split(",").flatMap((key) => [...keyBytes(key, text)]));
}

function keyBytes(key: string, text: string): Uint8Array {
  const [, letter] = /^ctrl-([a-z@[\\\]^_])$/.exec(key) ?? [];
  // A control key clears the two upper bits of its letter: ctrl-a is 1, ctrl-@ is 0, ctrl-_ is 31.
  if (letter !== undefined) return Uint8Array.of(letter.toUpperCase().charCodeAt(0) & 0x1f);
  if ([...key].length === 1) return new TextEncoder().encode(key);
  throw new GantryError(
    "invalid_argument",
    `${JSON.stringify(key)} in the detach keys ${JSON.stringify(text)} is not a key`,
    {
      hint: "a key is one character, or ctrl- and one of a-z @ [ \\ ] ^ _; keys are separated by commas",
    },
  );
}

/** What came of some bytes. */
export interface Matched {
  /** To be passed on. */
  readonly output: Uint8Array;
  /** True when the sequence was complete; nothing after it was looked at. */
  readonly detached: boolean;
}

/** Finds the sequence in a stream of bytes, however it is cut. Bytes that may belong to it are held back. */
export class DetachMatcher {
  readonly #sequence: Uint8Array;
  /** For each length of a partial match, the longest shorter one that it ends with (Knuth, Morris, Pratt). */
  readonly #fallback: readonly number[];
  #matched = 0;

  constructor(sequence: Uint8Array) {
    this.#sequence = sequence;
    this.#fallback = fallbackTable(sequence);
  }

  /** True while bytes are held back. */
  get holding(): boolean {
    return this.#matched > 0;
  }

  /** Takes the next bytes. */
  feed(chunk: Uint8Array): Matched {
    const sequence = this.#sequence;
    if (sequence.length === 0) return { output: chunk, detached: false };
    const output: number[] = [];
    for (const byte of chunk) {
      while (this.#matched > 0 && sequence[this.#matched] !== byte) this.#release(output);
      if (sequence[this.#matched] === byte) this.#matched++;
      else output.push(byte);
      if (this.#matched === sequence.length) {
        this.#matched = 0;
        return { output: new Uint8Array(output), detached: true };
      }
    }
    return { output: new Uint8Array(output), detached: false };
  }

  /** Gives up the bytes held back: they were meant for the container. */
  flush(): Uint8Array {
    const held = this.#sequence.slice(0, this.#matched);
    this.#matched = 0;
    return held;
  }

  /** Lets go of as few held bytes as possible: what remains may still become a match. */
  #release(output: number[]): void {
    const shorter = this.#fallback[this.#matched] ?? 0;
    output.push(...this.#sequence.subarray(0, this.#matched - shorter));
    this.#matched = shorter;
  }
}

function fallbackTable(sequence: Uint8Array): readonly number[] {
  const table = [0, 0];
  let length = 0;
  for (let index = 1; index < sequence.length; index++) {
    while (length > 0 && sequence[length] !== sequence[index]) length = table[length] ?? 0;
    if (sequence[length] === sequence[index]) length++;
    table.push(length);
  }
  return table;
}

/** Options of {@link untilDetached}. */
export interface DetachOptions {
  /** From {@link parseDetachKeys}; empty to never detach. */
  readonly keys: Uint8Array;
  /**
   * Bytes held back are passed on when nothing follows for so long, milliseconds; default 500. Without this the ctrl-p of a
   * shell's history would show only at the next key (moby#12510).
   */
  readonly idleMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Where bytes come from; a `ReadableStreamDefaultReader` is one. */
export interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

/** Passes bytes on until the keys are pressed (`"detached"`) or the input ends (`"ended"`). */
export async function* untilDetached(
  reader: ByteReader,
  { keys, idleMs = 500, clock = systemClock }: DetachOptions,
): AsyncGenerator<Uint8Array, "detached" | "ended", void> {
  const matcher = new DetachMatcher(keys);
  let next = reader.read();
  while (true) {
    const got = matcher.holding ? await beforeIdle(next, { clock, idleMs }) : await next;
    if (got === "idle") {
      yield matcher.flush();
      continue;
    }
    if (got.done || got.value === undefined) {
      if (matcher.holding) yield matcher.flush();
      return "ended";
    }
    const { output, detached } = matcher.feed(got.value);
    if (output.length > 0) yield output;
    if (detached) return "detached";
    next = reader.read();
  }
}

async function beforeIdle<T>(
  next: Promise<T>,
  { clock, idleMs }: { readonly clock: Clock; readonly idleMs: number },
): Promise<T | "idle"> {
  const stop = new AbortController();
  const idle = clock.sleep(idleMs, { signal: stop.signal }).then(() => "idle" as const);
  idle.catch(() => {});
  try {
    return await Promise.race([next, idle]);
  } finally {
    stop.abort();
  }
}
