import assert from "node:assert/strict";
import { RawTerminal } from "../../../lib/cli/terminal.ts";
import { test } from "../../support/test.ts";
import { FakeSignals } from "./captured_io.ts";

function rawTerminal(options: { readonly endOnSignals?: boolean; readonly gone?: boolean } = {}): {
  readonly calls: string[];
  readonly signals: FakeSignals;
  readonly raw: RawTerminal;
} {
  const calls: string[] = [];
  const signals = new FakeSignals();
  const raw = new RawTerminal({
    io: signals,
    endOnSignals: options.endOnSignals,
    device: {
      setRaw(on) {
        calls.push(on ? "raw" : "cooked");
        if (options.gone === true && !on) throw new Error("Input/output error");
      },
    },
    raise: (name) => calls.push(`${name}, ${signals.count} listeners`),
  });
  return { calls, signals, raw };
}

test("T04 the terminal is given back once when it is disposed", () => {
  const { calls, signals, raw } = rawTerminal();
  assert.equal(raw.active, true);
  raw[Symbol.dispose]();
  raw[Symbol.dispose]();
  assert.deepEqual(calls, ["raw", "cooked"]);
  assert.equal(signals.count, 0);
  assert.equal(raw.active, false);
});

test("T04 the terminal is given back when its block throws", () => {
  let calls: readonly string[] = [];
  assert.throws(() => {
    const started = rawTerminal();
    calls = started.calls;
    using _ = started.raw;
    throw new Error("boom");
  }, /boom/);
  assert.deepEqual(calls, ["raw", "cooked"]);
});

for (const name of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const) {
  test(`T04 ${name} gives the terminal back and then ends the process as it would have`, () => {
    const { calls, signals } = rawTerminal();
    signals.send(name);
    assert.deepEqual(calls, ["raw", "cooked", `${name}, 0 listeners`]);
  });
}

test("T05 signals that a forwarder has leave the terminal raw", () => {
  const { calls, signals, raw } = rawTerminal({ endOnSignals: false });
  signals.send("SIGTERM");
  assert.deepEqual(calls, ["raw"]);
  raw[Symbol.dispose]();
});

for (const type of ["unload", "error", "unhandledrejection"]) {
  test(`T04 the terminal is given back at ${type}`, () => {
    const { calls } = rawTerminal();
    globalThis.dispatchEvent(new Event(type));
    globalThis.dispatchEvent(new Event(type));
    assert.deepEqual(calls, ["raw", "cooked"]);
  });
}

test("T04 raw mode is entered again after a stop", () => {
  const { calls, signals, raw } = rawTerminal();
  signals.send("SIGCONT");
  assert.deepEqual(calls, ["raw", "cooked", "raw"]);
  raw[Symbol.dispose]();
});

test("a terminal whose window was closed is no error", () => {
  const { raw, signals } = rawTerminal({ gone: true });
  signals.send("SIGCONT");
  raw[Symbol.dispose]();
  assert.equal(raw.active, false);
});
