import assert from "node:assert/strict";
import type { ContainerRecord } from "../../../lib/wire/container_record.ts";
import { referenceFilters } from "../../../lib/engine/containerd_runtime.ts";
import { findContainer } from "../../../lib/engine/container_reference.ts";
import { test } from "../../support/test.ts";

function record(id: string, name?: string): ContainerRecord {
  const labels: Record<string, string> = name === undefined ? {} : { "gantry/name": name };
  return { id, labels, image: "", runtime: "", spec: undefined, createdAt: 0 };
}

const records = [
  record("abc123", "web"),
  record("abd456", "abc"),
  record("web2"),
  record("x.y", "twice"),
  record("z", "twice"),
];

/** Who finds may list more than what matches: here all are. */
async function find(reference: string, asked: string[] = []): Promise<string> {
  return await findContainer(reference, {
    namespace: "n",
    find: (text) => {
      asked.push(text);
      return Promise.resolve(records);
    },
  });
}

test("T12 a whole id goes before a name, a name before the start of an id", async () => {
  assert.equal(await find("abc123"), "abc123");
  assert.equal(await find("abc"), "abd456");
  assert.equal(await find("abc1"), "abc123");
  assert.equal(await find("web"), "abc123");
  assert.equal(await find("we"), "web2");
});

test("T12 what means several is refused, with their ids", async () => {
  await assert.rejects(find("ab"), { code: "invalid_argument", message: /2 containers/, hint: /abc123, abd456/ });
  await assert.rejects(find("twice"), { code: "invalid_argument", hint: /x\.y, z/ });
});

test("T12 what means nothing is not_found, and what can mean nothing is not asked for", async () => {
  await assert.rejects(find("nope"), { code: "not_found" });
  for (const reference of ["", "../x", "a/b", "a b", '"', "-x", ".x", "a".repeat(200)]) {
    const asked: string[] = [];
    await assert.rejects(find(reference, asked), { code: "invalid_argument" });
    assert.deepEqual(asked, []);
  }
});

test("containerd is asked for the name and the start of the id alone, a dot being a dot", () => {
  assert.deepEqual(referenceFilters("x.y"), ['labels."gantry/name"=="x.y"', 'id~="^x\\\\.y"']);
});
