/** The real outside of the CLI. */
import { systemClock } from "../base/clock.ts";
import { type CliIo, OutputClosed, type TextSink } from "./context.ts";

/** Standard streams, environment, clock and signals of this process. */
export function systemIo(): CliIo {
  return {
    stdout: streamSink(Deno.stdout),
    stderr: forgiving(streamSink(Deno.stderr)),
    env: Deno.env.toObject(),
    clock: systemClock,
    columns: terminalColumns,
    uid: () => Deno.uid() ?? 0,
    onSignal,
  };
}

interface SyncStream {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

const encoder = new TextEncoder();
const pause = new Int32Array(new SharedArrayBuffer(4));

/** writeSync and not console.log, which costs a command about 1 ms more. */
function streamSink(stream: SyncStream): TextSink {
  return {
    get isTerminal() {
      return stream.isTerminal();
    },
    write(text) {
      let rest = encoder.encode(text);
      while (rest.length > 0) {
        try {
          rest = rest.subarray(stream.writeSync(rest));
        } catch (error) {
          if (error instanceof Deno.errors.BrokenPipe) {
            throw new OutputClosed("nobody reads the output", { cause: error });
          }
          if (!(error instanceof Deno.errors.WouldBlock)) throw error;
          // The pipe is full, and somebody who shares it (ssh, a node parent) has made it non-blocking: wait 1 ms.
          Atomics.wait(pause, 0, 0, 1);
        }
      }
    },
  };
}

/** stderr that has gone, or is a file on a full disk, must not hide the exit code. */
function forgiving(sink: TextSink): TextSink {
  return {
    get isTerminal() {
      return sink.isTerminal;
    },
    write(text) {
      try {
        sink.write(text);
      } catch {
        // There is nobody to tell.
      }
    },
  };
}

function terminalColumns(): number | undefined {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return undefined;
  }
}

function onSignal(names: readonly Deno.Signal[], listener: (name: Deno.Signal) => void): () => void {
  const listeners = names.map((name) => ({ name, call: () => listener(name) }));
  for (const { name, call } of listeners) Deno.addSignalListener(name, call);
  return () => {
    for (const { name, call } of listeners) Deno.removeSignalListener(name, call);
  };
}
