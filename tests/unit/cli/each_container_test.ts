import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import { eachContainer, type NamedContainer } from "../../../lib/cli/each_container.ts";
import { settle } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";

/** Containers whose work ends when the test says so, and what was told of them. */
class Setting {
  readonly told: string[] = [];
  readonly work = new Map<string, PromiseWithResolvers<void>>();

  run(references: readonly string[], ignoreMissing = false): Promise<number> {
    for (const name of references) this.work.set(name, Promise.withResolvers());
    return eachContainer(references, ({ reference }) => this.work.get(reference)?.promise ?? Promise.resolve(), {
      engine: { resolve: (reference) => Promise.resolve(`id-of-${reference}`) },
      context: {
        signal: new AbortController().signal,
        json: false,
        settings: { debug: false },
        stderr: { isTerminal: false, write: (text) => void this.told.push(text.trim()) },
      },
      ignoreMissing,
      done: ({ id }: NamedContainer) => void this.told.push(id),
    });
  }

  end(name: string): Promise<void> {
    this.work.get(name)?.resolve();
    return settle();
  }

  fail(name: string, error: GantryError): Promise<void> {
    this.work.get(name)?.reject(error);
    return settle();
  }
}

test("results are told in the order of the command line, each as soon as those before it have ended", async () => {
  const setting = new Setting();
  const code = setting.run(["a", "b", "c", "a"]);
  await setting.end("b");
  assert.deepEqual(setting.told, []);
  await setting.end("a");
  assert.deepEqual(setting.told, ["id-of-a", "id-of-b"]);
  await setting.end("c");
  assert.equal(await code, 0);
  assert.deepEqual(setting.told, ["id-of-a", "id-of-b", "id-of-c"]);
});

test("a failure is told in its turn, makes the exit code 1, and does not keep the others", async () => {
  const setting = new Setting();
  const code = setting.run(["a", "b"]);
  await setting.fail("a", new GantryError("not_found", "no a"));
  await setting.end("b");
  assert.equal(await code, 1);
  assert.deepEqual(setting.told, ["gantry: no a", "id-of-b"]);
});

test("with ignoreMissing one that is not there is passed over in silence", async () => {
  const setting = new Setting();
  const code = setting.run(["a", "b"], true);
  await setting.fail("a", new GantryError("not_found", "no a"));
  await setting.fail("b", new GantryError("unknown", "b is broken"));
  assert.equal(await code, 1);
  assert.deepEqual(setting.told, ["gantry: b is broken"]);
});

test("a runtime that is away is one error for all, once all have ended", async () => {
  const setting = new Setting();
  const code = setting.run(["a", "b"]);
  let over = false;
  code.catch(() => over = true);
  await setting.fail("a", new GantryError("unavailable", "nobody there"));
  assert.equal(over, false);
  await setting.fail("b", new GantryError("unavailable", "nobody there"));
  await assert.rejects(code, { code: "unavailable" });
  assert.deepEqual(setting.told, []);
});
