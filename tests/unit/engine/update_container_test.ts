import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import { Container } from "../../../lib/engine/container.ts";
import { updateContainer } from "../../../lib/engine/update_container.ts";
import { packJson, typeUrls, unpackJson } from "../../../lib/wire/any.ts";
import type { Resources } from "../../../lib/wire/oci_resources.ts";
import type { TaskStatus } from "../../../lib/wire/task.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { FakeTask } from "./fake_tasks.ts";

/** A stored container with or without a task, and what was asked of both. */
class Stored {
  readonly updates: Resources[] = [];
  readonly stored: unknown[] = [];
  readonly container: Container;

  constructor(status: TaskStatus | "none", failure?: GantryError) {
    const task = new FakeTask(status === "none" ? "stopped" : status);
    if (status === "none") task.failures.set("state", [new GantryError("not_found", "no task")]);
    const spec = { ociVersion: "1.0.2", linux: { resources: { pids: { limit: 10 } } } };
    const record = { id: "c", labels: {}, image: "", runtime: "r", createdAt: 0, spec: packJson(typeUrls.spec, spec) };
    const update = (_: string, resources: Resources): Promise<void> => {
      this.updates.push(resources);
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    };
    const unused = (): Promise<never> => Promise.reject(new TypeError("not asked for here"));
    this.container = new Container("c", {
      clock: new FakeClock(),
      tasks: Object.assign(task, {
        update,
        exec: unused,
        pause: unused,
        pids: unused,
        metrics: unused,
        checkpoint: unused,
      }),
      records: {
        create: unused,
        delete: unused,
        get: () => Promise.resolve(record),
        update: (_, changes) => {
          this.stored.push(unpackJson(changes.spec));
          return Promise.resolve();
        },
      },
    });
  }
}

const updated = [{ ociVersion: "1.0.2", linux: { resources: { pids: { limit: 20 } } } }];

test("an update is of the task and of the record; of the record alone when nothing runs", async () => {
  for (const [status, count] of [["running", 1], ["paused", 1], ["created", 1], ["stopped", 0], ["none", 0]] as const) {
    const setting = new Stored(status);
    assert.deepEqual(await updateContainer(setting.container, { pidsLimit: 20 }, {}), []);
    assert.deepEqual(setting.updates, Array(count).fill({ pids: { limit: 20 } }), status);
    assert.deepEqual(setting.stored, updated, status);
  }
});

test("what the runtime refuses is not stored, and the error says why without what surrounds it", async () => {
  const cases = [
    [
      "runc did not terminate successfully: exit status 1: unable to set memory limit to 16777216 (current usage: " +
      "42369024, peak usage: 44101632)\n: unknown",
      /^--memory 16MiB is too little: container c uses 40.41MiB now$/,
    ],
    [
      "runc did not terminate successfully: exit status 1: failed to write 7: no such device\n: unknown",
      /^the limits of container c could not be set: failed to write 7: no such device$/,
    ],
  ] as const;
  for (const [said, message] of cases) {
    const setting = new Stored("running", new GantryError("unknown", said));
    const update = updateContainer(setting.container, { pidsLimit: 20 }, {});
    await assert.rejects(update, { code: "failed_precondition", message });
    assert.deepEqual(setting.stored, []);
  }
});

test("an update whose call is lost, or whose shim hangs, stores nothing", async () => {
  const lost = new Stored("running", new GantryError("unavailable", "the connection broke"));
  await assert.rejects(updateContainer(lost.container, { pidsLimit: 20 }, {}), { code: "unavailable" });
  const hung = new Stored("unknown");
  const update = updateContainer(hung.container, { pidsLimit: 20 }, {});
  await assert.rejects(update, { code: "deadline_exceeded", message: "the shim of container c does not answer" });
  assert.deepEqual([lost.stored, hung.stored, hung.updates], [[], [], []]);
});
