import assert from "node:assert/strict";
import fc from "fast-check";
import type { Clock } from "../../../lib/base/clock.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { DetachMatcher, parseDetachKeys, untilDetached } from "../../../lib/cli/detach_keys.ts";
import { test } from "../../support/test.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const ctrlP = "\u0010";
const ctrlQ = "\u0011";

test("parseDetachKeys() reads docker's syntax", () => {
  assert.deepEqual([...parseDetachKeys("ctrl-p,ctrl-q")], [16, 17]);
  assert.deepEqual([...parseDetachKeys("ctrl-@,ctrl-a,ctrl-z,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_")], [
    0,
    1,
    26,
    27,
    28,
    29,
    30,
    31,
  ]);
  assert.deepEqual([...parseDetachKeys("a,B,1")], [97, 66, 49]);
  assert.deepEqual([...parseDetachKeys("é")], [0xc3, 0xa9]);
  assert.deepEqual([...parseDetachKeys("")], []);
});

test("T16 parseDetachKeys() names the key it does not understand", () => {
  for (const key of ["ctrl-", "ctrl-P", "ctrl-1", "ab", "ctrl-pp", "^p"]) {
    assert.throws(
      () => parseDetachKeys(`ctrl-p,${key}`),
      (error) => isCode(error, "invalid_argument") && error.message.includes(JSON.stringify(key)),
    );
  }
  assert.throws(() => parseDetachKeys("a,,b"), (error) => isCode(error, "invalid_argument"));
});

test("T04 the detach keys are found however the input is cut, and what comes before them is passed on", () => {
  const matcher = new DetachMatcher(parseDetachKeys("ctrl-p,ctrl-q"));
  assert.deepEqual(matcher.feed(bytes(`ls${ctrlP}`)), { output: bytes("ls"), detached: false });
  assert.equal(matcher.holding, true);
  assert.deepEqual(matcher.feed(bytes(`${ctrlQ}rest`)), { output: bytes(""), detached: true });
});

test("T04 a partial match that comes to nothing is passed on with the byte that ended it", () => {
  const matcher = new DetachMatcher(parseDetachKeys("ctrl-p,ctrl-q"));
  assert.equal(text(matcher.feed(bytes(`${ctrlP}x`)).output), `${ctrlP}x`);
  assert.equal(text(matcher.feed(bytes(`${ctrlP}${ctrlP}`)).output), ctrlP);
  assert.equal(matcher.feed(bytes(ctrlQ)).detached, true);
});

test("a sequence that overlaps itself is found in the middle of a failed match", () => {
  const matcher = new DetachMatcher(parseDetachKeys("a,a,b"));
  assert.deepEqual(matcher.feed(bytes("aaab")), { output: bytes("a"), detached: true });
});

test("no keys means that nothing is held back and nothing detaches", () => {
  const matcher = new DetachMatcher(parseDetachKeys(""));
  assert.deepEqual(matcher.feed(bytes(ctrlP + ctrlQ)), { output: bytes(ctrlP + ctrlQ), detached: false });
  assert.equal(matcher.holding, false);
});

test("bytes out are the bytes in, up to and without the first occurrence of the keys", () => {
  const alphabet = fc.constantFrom(1, 2, 3);
  const sequence = fc.uint8Array({ minLength: 1, maxLength: 4, max: 3 });
  const chunks = fc.array(fc.array(alphabet, { maxLength: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(sequence, chunks, (keys, input) => {
      const whole = input.flat();
      const at = indexOf(whole, [...keys]);
      const matcher = new DetachMatcher(keys);
      const out: number[] = [];
      let detached = false;
      for (const chunk of input) {
        const matched = matcher.feed(new Uint8Array(chunk));
        out.push(...matched.output);
        detached = matched.detached;
        if (detached) break;
      }
      assert.equal(detached, at >= 0);
      if (detached) assert.deepEqual(out, whole.slice(0, at));
      else assert.deepEqual([...out, ...matcher.flush()], whole);
    }),
    { numRuns: 3000 },
  );
});

function indexOf(whole: readonly number[], part: readonly number[]): number {
  for (let at = 0; at + part.length <= whole.length; at++) {
    if (part.every((byte, index) => whole[at + index] === byte)) return at;
  }
  return -1;
}

/** A keyboard: what is typed can be read. */
class Keyboard {
  readonly #stream = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#stream.writable.getWriter();
  readonly reader = this.#stream.readable.getReader();

  type(keys: string): void {
    void this.#writer.write(bytes(keys));
  }

  async end(): Promise<void> {
    await this.#writer.close();
  }
}

/** A clock whose sleeps end when the test says so. */
class SteppedClock implements Clock {
  readonly sleeps: { readonly ms: number; readonly wake: () => void }[] = [];
  #asked = Promise.withResolvers<void>();

  now(): number {
    return 0;
  }

  monotonic(): number {
    return 0;
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    this.sleeps.push({ ms, wake: resolve });
    this.#asked.resolve();
    this.#asked = Promise.withResolvers();
    return promise;
  }

  async nextSleep(count: number): Promise<void> {
    while (this.sleeps.length < count) await this.#asked.promise;
  }
}

test("T04 held-back keys are passed on when nothing follows for 500 ms, and no longer count", async () => {
  const keyboard = new Keyboard();
  const clock = new SteppedClock();
  const input = untilDetached(keyboard.reader, { keys: parseDetachKeys("ctrl-p,ctrl-q"), clock });
  keyboard.type(ctrlP);
  const first = input.next();
  await clock.nextSleep(1);
  assert.equal(clock.sleeps[0]?.ms, 500);
  clock.sleeps[0]?.wake();
  assert.deepEqual(await first, { done: false, value: bytes(ctrlP) });
  keyboard.type(ctrlQ);
  assert.deepEqual(await input.next(), { done: false, value: bytes(ctrlQ) });
  await Promise.all([keyboard.end(), input.next()]);
});

test("T04 keys in time detach", async () => {
  const keyboard = new Keyboard();
  const clock = new SteppedClock();
  const input = untilDetached(keyboard.reader, { keys: parseDetachKeys("ctrl-p,ctrl-q"), clock });
  keyboard.type(`a${ctrlP}`);
  assert.deepEqual(await input.next(), { done: false, value: bytes("a") });
  const next = input.next();
  await clock.nextSleep(1);
  keyboard.type(ctrlQ);
  assert.deepEqual(await next, { done: true, value: "detached" });
});

test("T03 the end of the input passes on what was held back", async () => {
  const keyboard = new Keyboard();
  const input = untilDetached(keyboard.reader, { keys: parseDetachKeys("ctrl-p,ctrl-q"), clock: new SteppedClock() });
  keyboard.type(ctrlP);
  const next = input.next();
  await keyboard.end();
  assert.deepEqual(await next, { done: false, value: bytes(ctrlP) });
  assert.deepEqual(await input.next(), { done: true, value: "ended" });
});
