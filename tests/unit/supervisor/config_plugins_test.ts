import assert from "node:assert/strict";
import { failedPlugins, type PluginReport, unwantedPlugins } from "../../../lib/supervisor/config_plugins.ts";
import { test } from "../../support/test.ts";

const fine: readonly PluginReport[] = [
  { type: "io.containerd.snapshotter.v1", id: "overlayfs" },
  { type: "io.containerd.snapshotter.v1", id: "native" },
  { type: "io.containerd.metadata.v1", id: "bolt" },
  { type: "io.containerd.service.v1", id: "tasks-service" },
  { type: "io.containerd.grpc.v1", id: "tasks" },
];

function failed(name: string, message = "broken"): PluginReport {
  const dot = name.lastIndexOf(".");
  return { type: name.slice(0, dot), id: name.slice(dot + 1), initError: { message } };
}

test("S04 a containerd whose plugins all work is ready", () => {
  assert.deepEqual(failedPlugins(fine, { cri: false }), []);
});

test("S04 a required plugin in error means not ready, and says why", () => {
  const required = [
    "io.containerd.grpc.v1.tasks",
    "io.containerd.service.v1.tasks-service",
    "io.containerd.runtime.v2.task",
    "io.containerd.metadata.v1.bolt",
    "io.containerd.content.v1.content",
    "io.containerd.gc.v1.scheduler",
    "io.containerd.server.v1.ttrpc",
  ];
  for (const name of required) {
    assert.deepEqual(failedPlugins([...fine, failed(name)], { cri: false }), [`plugin ${name} failed: broken`]);
  }
});

test("S04 optional plugins may fail", () => {
  const optional = [
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.nri.v1.nri",
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.grpc.v1.cri",
    "io.containerd.monitor.v1.cgroups",
  ];
  for (const name of optional) assert.deepEqual(failedPlugins([...fine, failed(name)], { cri: false }), [], name);
});

test("S04 CRI must work when it was asked for", () => {
  assert.equal(failedPlugins([...fine, failed("io.containerd.grpc.v1.cri")], { cri: true }).length, 1);
});

test("S04 one of overlayfs and native must work", () => {
  const others = fine.slice(2);
  const overlay = failed("io.containerd.snapshotter.v1.overlayfs", "no overlay");
  assert.deepEqual(
    failedPlugins([...others, overlay, { type: "io.containerd.snapshotter.v1", id: "native" }], {
      cri: false,
    }),
    [],
  );
  assert.deepEqual(failedPlugins([...others, overlay], { cri: false }), [
    "no snapshotter works (overlayfs: no overlay)",
  ]);
  assert.equal(failedPlugins(others, { cri: false }).length, 1);
});

test("S02 what somebody configures is wanted", () => {
  const id = "io.containerd.snapshotter.v1.zfs";
  const ask = (wanted: readonly string[]): readonly string[] =>
    unwantedPlugins({ major: 2, minor: 1 }, { cri: false, wanted: new Set(wanted) });
  assert.ok(ask([]).includes(id));
  assert.ok(!ask([id]).includes(id));
});
