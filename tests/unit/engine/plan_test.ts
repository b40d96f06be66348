import assert from "node:assert/strict";
import { labelKeys, timeoutOf } from "../../../lib/engine/container_plan.ts";
import { makeFiles, removeFiles } from "../../../lib/engine/container_files.ts";
import { type ContainerRequest, planContainer, type PlanContext } from "../../../lib/engine/plan.ts";
import type { ContainerPlan } from "../../../lib/engine/container_plan.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

interface Setting {
  /** Plans a container in a directory of the test's own, and makes nothing. */
  plan(more?: Partial<ContainerRequest>, context?: Partial<PlanContext>): Promise<ContainerPlan>;
  readonly instance: PlanContext["instance"];
}

async function withPlans(body: (setting: Setting) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const instance = { root: `${directory}/root`, state: `${directory}/state` };
  try {
    await body({
      instance,
      plan: (more = {}, context = {}) =>
        planContainer({ rootfs: { path: directory, overlay: false }, command: ["sh"], ...more }, {
          instance,
          namespace: "default",
          ...context,
        }),
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function filesIn(directory: string): Record<string, string> {
  const entries = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  return Object.fromEntries(
    entries.map((name) => [name, ((Deno.statSync(`${directory}/${name}`).mode ?? 0) & 0o777).toString(8)]),
  );
}

test("a plan without options has no files, no time limit, and keeps its output", async () => {
  await withPlans(async ({ plan }) => {
    const { files, timeoutMs, log, labels, paths, name } = await plan();
    assert.deepEqual([files, timeoutMs, log], [[], undefined, "file"]);
    assert.deepEqual(Object.keys(labels).sort(), [labelKeys.data, labelKeys.name, labelKeys.rootfs].sort());
    assert.equal(labels[labelKeys.name], name);
    assert.equal(paths.recordFile, `${paths.data}/container.json`);
  });
});

test("time limit and log are in the labels, as timeoutOf reads them", async () => {
  await withPlans(async ({ plan }) => {
    const { labels, timeoutMs, log } = await plan({ timeoutMs: 90_500, log: "none" });
    assert.deepEqual([timeoutMs, log, labels[labelKeys.log]], [90_500, "none", "none"]);
    assert.equal(labels[labelKeys.timeout], "1m30.5s");
    assert.equal(timeoutOf(labels), 90_500);
    const unlimited = await plan({ timeoutMs: 0 });
    assert.deepEqual([unlimited.timeoutMs, timeoutOf(unlimited.labels)], [undefined, undefined]);
    assert.equal(timeoutOf({ [labelKeys.timeout]: "for ever" }), undefined);
    for (const timeoutMs of [-1, NaN, Infinity]) {
      await assert.rejects(plan({ timeoutMs }), gantryError("invalid_argument", /--timeout/));
    }
  });
});

test("generated files are planned in the data directory, made readable, and removed with it", async () => {
  await withPlans(async ({ plan, instance }) => {
    const planned = await plan({ dns: ["::1"], addHost: [{ name: "db", address: "10.0.0.7" }] });
    assert.deepEqual(planned.files.map(({ name }) => name), ["resolv.conf", "hosts", "hostname"]);
    const { data } = planned.paths;
    const sources = planned.spec.mounts?.map(({ source = "" }) => source).filter((source) => source.startsWith(data));
    assert.deepEqual(sources, [`${data}/resolv.conf`, `${data}/hosts`, `${data}/hostname`]);
    const umask = Deno.umask(0o077);
    try {
      await makeFiles(planned);
    } finally {
      Deno.umask(umask);
    }
    const expected = { "container.json": "600", hostname: "644", hosts: "644", "resolv.conf": "644" };
    assert.deepEqual(filesIn(data), expected);
    assert.equal((Deno.statSync(data).mode ?? 0) & 0o777, 0o700);
    const { runtime, labels } = planned;
    assert.deepEqual(JSON.parse(await Deno.readTextFile(planned.paths.recordFile)), { runtime, labels });
    await removeFiles(instance, "default", planned.id);
    assert.throws(() => Deno.statSync(data), Deno.errors.NotFound);
  });
});

test("log files are made for a detached container that keeps its output", async () => {
  await withPlans(async ({ plan }) => {
    const kept = await plan({}, { detached: true });
    await makeFiles(kept);
    assert.deepEqual(filesIn(kept.paths.data), { "container.json": "600", "stderr.log": "600", "stdout.log": "600" });
    const lost = await plan({ log: "none" }, { detached: true });
    await makeFiles(lost);
    assert.deepEqual(filesIn(lost.paths.data), { "container.json": "600" });
  });
});

test("an overlay is mounted without what would make its upper directory no whole", async () => {
  await withPlans(async ({ plan, instance }) => {
    const { rootfs } = await plan({ rootfs: { path: instance.root.replace(/\/root$/, ""), overlay: true } });
    assert.deepEqual(rootfs[0]?.options.slice(-2), ["redirect_dir=off", "metacopy=off"]);
  });
});
