import assert from "node:assert/strict";
import { forwardedSignals, SignalForwarder } from "../../../lib/cli/signal_forwarder.ts";
import { test } from "../../support/test.ts";
import { FakeSignals } from "./captured_io.ts";

function forwarder(forward: (name: string) => Promise<void> | void): {
  readonly signals: FakeSignals;
  readonly gaveUp: string[];
  readonly errors: string[];
  readonly forwarder: SignalForwarder;
} {
  const signals = new FakeSignals();
  const gaveUp: string[] = [];
  const errors: string[] = [];
  return {
    signals,
    gaveUp,
    errors,
    forwarder: new SignalForwarder({
      io: signals,
      forward,
      giveUp: (name) => gaveUp.push(name),
      onError: (error, name) => errors.push(`${name}: ${error}`),
    }),
  };
}

test("T05 signals are forwarded in their order, one after another", async () => {
  const sent: string[] = [];
  const release = Promise.withResolvers<void>();
  const { signals, forwarder: subject } = forwarder(async (name) => {
    if (name === "SIGHUP") await release.promise;
    sent.push(name);
  });
  using _ = subject;
  for (const name of ["SIGHUP", "SIGUSR1", "SIGTERM"] as const) signals.send(name);
  release.resolve();
  await subject.settled();
  assert.deepEqual(sent, ["SIGHUP", "SIGUSR1", "SIGTERM"]);
});

test("T05 the third INT or TERM gives up in place of being forwarded", async () => {
  const sent: string[] = [];
  const { signals, gaveUp, forwarder: subject } = forwarder((name) => void sent.push(name));
  using _ = subject;
  for (const name of ["SIGINT", "SIGUSR1", "SIGTERM", "SIGUSR1", "SIGINT"] as const) signals.send(name);
  await subject.settled();
  assert.deepEqual(sent, ["SIGINT", "SIGUSR1", "SIGTERM", "SIGUSR1"]);
  assert.deepEqual(gaveUp, ["SIGINT"]);
});

test("T05 what only we can mean is not forwarded", () => {
  for (
    const name of [
      "SIGCHLD",
      "SIGPIPE",
      "SIGURG",
      "SIGWINCH",
      "SIGKILL",
      "SIGSTOP",
      "SIGTTIN",
      "SIGTTOU",
      "SIGSEGV",
    ] as const
  ) {
    assert.ok(!forwardedSignals.includes(name), name);
  }
});

test("Deno can listen for every signal that is forwarded", () => {
  for (const name of forwardedSignals) {
    const listener = () => {};
    Deno.addSignalListener(name, listener);
    Deno.removeSignalListener(name, listener);
  }
});

test("a signal that cannot be sent on is told and does not stop the next one", async () => {
  const { signals, errors, forwarder: subject } = forwarder((name) => {
    if (name === "SIGHUP") throw new Error("gone");
  });
  using _ = subject;
  signals.send("SIGHUP");
  signals.send("SIGUSR1");
  await subject.settled();
  assert.deepEqual(errors, ["SIGHUP: Error: gone"]);
});

test("a disposed forwarder listens no more", () => {
  const { signals, forwarder: subject } = forwarder(() => {});
  assert.equal(signals.count, forwardedSignals.length);
  subject[Symbol.dispose]();
  assert.equal(signals.count, 0);
});
