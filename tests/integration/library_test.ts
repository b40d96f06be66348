/** gantry as a library, in this very process: what it opens it closes, and what it starts it ends. */
import assert from "node:assert/strict";
import {
  type ContainerPlan,
  type ContainerRequest,
  type Engine,
  type ForegroundEnd,
  type ForegroundOptions,
  isCode,
  planContainer,
  runDetached,
  runForeground,
} from "../../lib/mod.ts";
import { openEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest } from "../support/gantry.ts";

/** Where a container writes. */
class Text {
  text = "";
  write(bytes: Uint8Array): Promise<number> {
    this.text += new TextDecoder().decode(bytes);
    return Promise.resolve(bytes.length);
  }
}

async function plan(
  gantry: GantryInstance,
  engine: Engine,
  script: string,
  more: Partial<ContainerRequest> = {},
): Promise<ContainerPlan> {
  const request = { rootfs: { path: gantry.rootfs, overlay: false }, command: ["/bin/sh", "-c", script], ...more };
  return await planContainer(request, { instance: engine.instance, namespace: engine.namespace, autoRemove: true });
}

async function attend(
  engine: Engine,
  planned: ContainerPlan,
  options: ForegroundOptions = {},
): Promise<readonly [ForegroundEnd, Text, Text]> {
  const [stdout, stderr] = [new Text(), new Text()];
  return [await runForeground(engine, planned, { stdout, stderr }, options), stdout, stderr];
}

function codeOf(end: ForegroundEnd): number | undefined {
  return end.kind === "exited" && end.exit.exact ? end.exit.code : undefined;
}

gantryTest("a program that runs a container through the library leaves nothing open", {}, async (gantry) => {
  await using engine = await openEngine(gantry);
  const [end, stdout, stderr] = await attend(engine, await plan(gantry, engine, "echo out; echo err >&2; exit 3"));
  assert.deepEqual([codeOf(end), stdout.text, stderr.text], [3, "out\n", "err\n"]);
});

gantryTest("ten containers at once, each with its own output", { versions: ["1.7"] }, async (gantry) => {
  await using engine = await openEngine(gantry);
  const numbers = Array.from({ length: 10 }, (_, i) => i);
  const ends = await Promise.all(numbers.map(async (i) => {
    const [end, stdout] = await attend(engine, await plan(gantry, engine, `seq ${i}000 ${i}999; exit ${i}`));
    return [codeOf(end), stdout.text.split("\n").length - 1];
  }));
  assert.deepEqual(ends, numbers.map((i) => [i, 1000]));
});

gantryTest("T03 input that the process does not read holds nothing up and leaks nothing", {}, async (gantry) => {
  await using engine = await openEngine(gantry);
  const endless = {
    // Like a pipe that always has something: never at its end.
    read: (buffer: Uint8Array) => Promise.resolve(buffer.fill(120).length),
  };
  const [stdout, stderr] = [new Text(), new Text()];
  const planned = await plan(gantry, engine, "head -c 5; sleep 0.3; exit 6", { stdin: true });
  const end = await runForeground(engine, planned, { stdin: endless, stdout, stderr });
  assert.deepEqual([codeOf(end), stdout.text], [6, "xxxxx"]);
});

gantryTest("an error of a step between create and start undoes the container", {}, async (gantry) => {
  await using engine = await openEngine(gantry);
  const planned = await plan(gantry, engine, "sleep 100", { name: "undone" });
  const failing = attend(engine, planned, { onCreated: () => Promise.reject(new Error("no room for a note")) });
  await assert.rejects(failing, /no room for a note/);
  await gantry.assertEmpty();
  const [end] = await attend(engine, await plan(gantry, engine, "exit 1", { name: "undone" }));
  assert.equal(codeOf(end), 1, "the name is free");
});

gantryTest("T13 an abort at any moment of the making undoes it, or leaves it to the program", {}, async (gantry) => {
  await using engine = await openEngine(gantry);
  for (const ms of [0, 5, 20, 40, 60, 80, 100]) {
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), ms);
    try {
      const [end] = await attend(engine, await plan(gantry, engine, "sleep 100"), { signal: aborter.signal });
      assert.equal(end.kind, "detached", `after ${ms} ms`);
    } catch (error) {
      assert.ok(aborter.signal.aborted, `after ${ms} ms: ${error}`);
    }
    clearTimeout(timer);
    for (const id of await gantry.containers()) await engine.remove(id, { force: true });
    await gantry.assertEmpty();
  }
});

gantryTest(
  "a container that is let go of goes on, and its output waits in its FIFOs",
  { versions: ["1.6", "2.1"] },
  async (gantry) => {
    await using engine = await openEngine(gantry);
    const planned = await plan(gantry, engine, "echo here; sleep 0.5; echo there; sleep 100");
    const [stdout, stderr] = [new Text(), new Text()];
    let handedOver = false;
    const end = await runForeground(engine, planned, { stdout, stderr }, {
      onStarted: (handle) => {
        eventually(() => stdout.text.includes("here"), { what: "its output" }).then(handle.detach, handle.detach);
      },
      onDetached: () => {
        handedOver = true;
        return Promise.resolve();
      },
    });
    assert.deepEqual([end.kind, handedOver, stdout.text], ["detached", true, "here\n"]);
    await engine.remove(planned.id, { force: true });
  },
);

gantryTest("T11 rm -f ends a paused container, and one that was never started", {}, async (gantry) => {
  await using engine = await openEngine(gantry);
  const planned = await plan(gantry, engine, "sleep 1000");
  await runDetached(engine, { ...planned, detached: true }, { stdin: false });
  await gantry.ctr("tasks", "pause", planned.id);
  await engine.remove(planned.id, { force: true });
  const second = await plan(gantry, engine, "sleep 1000");
  await engine.reserve(second);
  await engine.store(second);
  await engine.create(second, { stdin: "", stdout: "", stderr: "", terminal: false });
  const started = performance.now();
  await engine.remove(second.id, { force: true });
  assert.ok(performance.now() - started < 1900, "the shim's wait for output that never ends is not waited for");
  await assert.rejects(engine.remove(second.id, { force: true }), (error) => isCode(error, "not_found"));
});

gantryTest(
  "the signals and the size that a handle passes on after the end are no errors",
  { versions: ["2.1"] },
  async (gantry) => {
    await using engine = await openEngine(gantry);
    const planned = await plan(gantry, engine, "exit 0", { tty: true });
    const late: Promise<void>[] = [];
    const [end] = await attend(engine, planned, {
      onStarted: (handle) => {
        for (let i = 0; i < 20; i++) late.push(handle.kill("WINCH"), handle.resize({ width: 80, height: 24 }));
      },
    });
    assert.equal(codeOf(end), 0);
    await Promise.all(late);
  },
);

gantryTest(
  "S12 a container that outlives a containerd is waited for in the library too",
  { versions: ["1.7"], needs: "containerd" },
  async (gantry) => {
    await using engine = await openEngine(gantry);
    const planned = await plan(gantry, engine, "sleep 1; exit 42");
    const outages: string[] = [];
    const [end] = await attend(engine, planned, {
      onStarted: () => {
        void gantry.containerd.end("SIGKILL").then(() => gantry.containerd.start());
      },
      onOutage: (error) => outages.push(error.code),
    });
    assert.equal(codeOf(end), 42);
    assert.equal(outages.length, 1);
  },
);
