/** Many execs at once, through the library and as programs. */
import assert from "node:assert/strict";
import { isCode, runExec } from "../../lib/mod.ts";
import { below } from "../support/container_remains.ts";
import { openEngine } from "../support/engine.ts";
import { type GantryInstance, gantryTest } from "../support/gantry.ts";
import { removeAll, startIdle } from "../support/idle_container.ts";

const mebibyte = 1 << 20;

/** Takes what comes and checks that it is `line` over and over; holds nothing. */
class Repeated {
  bytes = 0;
  right = true;
  readonly #line: Uint8Array;

  constructor(line: string) {
    this.#line = new TextEncoder().encode(line);
  }

  write(bytes: Uint8Array): Promise<number> {
    for (const byte of bytes) {
      if (byte !== this.#line[this.bytes++ % this.#line.length]) this.right = false;
    }
    return Promise.resolve(bytes.length);
  }
}

/** Does `work` for 0 to `count` - 1, so many at a time. */
async function inParallel<T>(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  }));
  return results;
}

/** Command that writes `line` over and over, 1 MiB of it, and exits with `code`. */
function writing(line: string, code: number): readonly string[] {
  return ["sh", "-c", `yes '${line}' | head -c ${mebibyte}; exit ${code}`];
}

/** Descriptors of this process, the one that lists them aside. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

async function assertNoExecs(gantry: GantryInstance, id: string): Promise<void> {
  const bundle = await below(`${gantry.containerd.tasks}/default/${id}`);
  assert.deepEqual(bundle.filter((path) => path.endsWith(".pid") && !path.endsWith("/init.pid")), []);
  assert.deepEqual(await below(`${gantry.state}/containers`), []);
  const pids = (await gantry.ctr("tasks", "ps", id)).trim().split("\n").slice(1);
  assert.ok(pids.length <= 2, `only its own run: ${pids}`);
}

gantryTest("T07 a hundred execs at once, 1 MiB each: every byte, every exit code, nothing left", {
  timeoutMs: 300_000,
}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  await using engine = await openEngine(gantry);
  // containerd 1.6.20 handles starts one after another, each behind all exit events so far (containerd#8557, fixed in
  // 1.6.22): a hundred at once would take it minutes.
  const atOnce = gantry.containerd.version.label === "1.6" ? 10 : 100;
  const run = async (index: number): Promise<readonly unknown[]> => {
    const line = `exec ${index}`;
    const [stdout, stderr] = [new Repeated(`${line}\n`), new Repeated("")];
    const request = { command: writing(line, index), env: [], tty: false };
    const end = await runExec(engine, id, request, { streams: { stdout, stderr } });
    return [end.kind === "exited" && end.exit.exact && end.exit.code, stdout.bytes, stdout.right, stderr.bytes];
  };
  // What the first one opens for good is not a leak.
  await run(0);
  const before = descriptors();
  const ends = await inParallel(100, atOnce, run);
  assert.deepEqual(ends, Array.from({ length: 100 }, (_, index) => [index, mebibyte, true, 0]));
  assert.equal(descriptors(), before, "descriptors of this process");
  await assertNoExecs(gantry, id);
  await removeAll(gantry, "web");
});

gantryTest("T07 several gantry exec at once, 1 MiB each", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  const ends = await inParallel(12, 6, async (index) => {
    const end = await gantry.gantry(["exec", "web", ...writing(`exec ${index}`, index)]);
    const line = `exec ${index}\n`;
    return [end.code, end.out === line.repeat(Math.ceil(mebibyte / line.length)).slice(0, mebibyte), end.err];
  });
  assert.deepEqual(ends, Array.from({ length: 12 }, (_, index) => [index, true, ""]));
  await assertNoExecs(gantry, id);
  await removeAll(gantry, "web");
});

gantryTest("T07 an exec that is cancelled while it is made or runs is killed and freed", {}, async (gantry) => {
  const id = await startIdle(gantry, "web");
  await using engine = await openEngine(gantry);
  const sink = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
  for (const ms of [0, 2, 5, 10, 20, 30, 50, 200]) {
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), ms);
    let freed = false;
    try {
      const request = { command: ["sleep", "100"], env: [], tty: false };
      const end = await runExec(engine, id, request, {
        signal: aborter.signal,
        streams: { stdout: sink, stderr: sink },
        onFreed: () => {
          freed = true;
        },
      });
      assert.equal(end.kind, "detached", `after ${ms} ms`);
      assert.ok(freed, `after ${ms} ms`);
    } catch (error) {
      assert.ok(aborter.signal.aborted, `after ${ms} ms: ${error}`);
    }
    clearTimeout(timer);
    await assertNoExecs(gantry, id);
  }
  await removeAll(gantry, "web");
});

gantryTest("T07 an exec that fails to start is not there afterwards", { versions: ["1.6", "2.1"] }, async (gantry) => {
  const id = await startIdle(gantry, "web");
  await using engine = await openEngine(gantry);
  const sink = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
  const execId = "failing";
  const request = { execId, command: ["nope"], env: [], tty: false };
  const making = runExec(engine, id, request, { streams: { stdout: sink, stderr: sink } });
  await assert.rejects(making, /executable file not found/);
  await assert.rejects(engine.state({ containerId: id, execId }), (error) => isCode(error, "not_found"));
  await assert.rejects(
    runExec(engine, id, { ...request, execId: "../x" }, { streams: { stdout: sink, stderr: sink } }),
    (error) => isCode(error, "invalid_argument"),
  );
  await assertNoExecs(gantry, id);
  await removeAll(gantry, "web");
});
