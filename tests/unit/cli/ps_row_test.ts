import assert from "node:assert/strict";
import { psFields, psRow } from "../../../lib/cli/commands/ps_row.ts";
import type { ContainerSummary } from "../../../lib/engine/engine.ts";
import { test } from "../../support/test.ts";

const id = "0123456789abcdef".repeat(4);
const now = Date.UTC(2026, 10, 22, 12);

const summary: ContainerSummary = {
  id,
  name: "web",
  image: "/srv/web",
  command: ["/bin/sh", "-c", "exec sleep 1000"],
  createdAt: now - 3_600_000,
  labels: { app: "web", tier: "front" },
  status: "running",
  pid: 42,
  startedAt: now - 300_000,
  facts: {
    mounts: [{ source: "/opt", destination: "/data" }, { source: "", destination: "/scratch" }],
    networks: ["none"],
  },
};

function status(changes: Partial<ContainerSummary>): readonly [string, string] {
  const { State, Status } = psRow({ ...summary, ...changes }, { now, trunc: true });
  return [State, Status];
}

test("a row of ps has docker's fields and words", () => {
  const row = psRow(summary, { now, trunc: true });
  assert.deepEqual(row, {
    ID: "0123456789ab",
    Image: "/srv/web",
    Command: '"/bin/sh -c exec sle…"',
    CreatedAt: "2026-11-22T11:00:00.000Z",
    RunningFor: "About an hour ago",
    State: "running",
    Status: "Up 5 minutes",
    Pid: 42,
    ExitCode: undefined,
    Names: "web",
    Labels: "app=web,tier=front",
    Mounts: "/opt,/scratch",
    Networks: "none",
    Ports: "",
  });
  assert.deepEqual(Object.keys(row), [...psFields]);
  const { ID, Command } = psRow(summary, { now, trunc: false });
  assert.deepEqual([ID, Command], [id, '"/bin/sh -c exec sleep 1000"']);
});

test("the status of a row tells what the container does, or how it ended", () => {
  const exit = { code: 137, exitedAt: now - 7_200_000, exact: true };
  const ended = { pid: 0, startedAt: undefined };
  assert.deepEqual(status({ startedAt: undefined }), ["running", "Up"]);
  assert.deepEqual(status({ status: "paused" }), ["paused", "Up 5 minutes (Paused)"]);
  assert.deepEqual(status({ ...ended, status: "stopped", exit }), ["exited", "Exited (137) 2 hours ago"]);
  assert.deepEqual(status({ ...ended, status: "none", exit }), ["exited", "Exited (137) 2 hours ago"]);
  const inexact = { code: 255, exitedAt: 0, exact: false };
  assert.deepEqual(status({ ...ended, status: "stopped", exit: inexact }), ["exited", "Exited (?)"]);
  assert.deepEqual(status({ ...ended, status: "none" }), ["created", "Created"]);
  assert.deepEqual(status({ ...ended, status: "created" }), ["created", "Created"]);
  assert.deepEqual(status({ ...ended, status: "unknown" }), ["unknown", "Unknown"]);
});
