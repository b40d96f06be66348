import type { Clock } from "../../../lib/base/clock.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import type { PluginReport } from "../../../lib/supervisor/config_plugins.ts";
import type { ContainerdProbe, ProbeOptions } from "../../../lib/supervisor/probe.ts";

/** How a fake containerd answers; a test changes it as it goes. */
export interface FakeAnswers {
  /** Milliseconds until it answers; Infinity never does. */
  delayMs: number;
  /** Refuses connections. */
  refuses: boolean;
  serving: boolean;
  plugins: readonly PluginReport[];
  /** Connections that were opened, and those still open. */
  opened: number;
  open: number;
  /** Health checks asked for. */
  checks: number;
}

/** A containerd that answers at once that all is well. */
export function goodAnswers(): FakeAnswers {
  return {
    delayMs: 0,
    refuses: false,
    serving: true,
    plugins: [{ type: "io.containerd.snapshotter.v1", id: "overlayfs" }],
    opened: 0,
    open: 0,
    checks: 0,
  };
}

/** Opens a connection to the fake. */
export function fakeProbe(answers: FakeAnswers, clock: Clock): ContainerdProbe {
  answers.opened++;
  answers.open++;
  let isOpen = true;
  const answer = async ({ signal }: ProbeOptions): Promise<void> => {
    if (answers.refuses) throw new GantryError("unavailable", "connection refused");
    if (answers.delayMs > 0) await clock.sleep(Math.min(answers.delayMs, 1e9), { signal });
  };
  return {
    async isServing(options) {
      answers.checks++;
      await answer(options);
      return answers.serving;
    },
    async version(options) {
      await answer(options);
      return { version: "1.7.99", revision: "fake" };
    },
    async plugins(options) {
      await answer(options);
      return answers.plugins;
    },
    close() {
      if (isOpen) answers.open--;
      isOpen = false;
    },
  };
}
