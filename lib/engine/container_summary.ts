import { isRecord } from "../base/json.ts";
import { startedAt } from "../base/start_time.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import { unpackJson } from "../wire/any.ts";
import { labelKeys } from "./container_plan.ts";
import type { ContainerSummary } from "./engine.ts";
import type { ProcessState } from "./task_api.ts";

/** One row of `ps` from the stored record and what runs of it. */
export function summarize(record: ContainerRecord, task: ProcessState | undefined): ContainerSummary {
  const { id, labels, image, createdAt } = record;
  const runs = task !== undefined && task.status !== "stopped" && task.status !== "created" && task.pid > 0;
  return {
    id,
    name: labels[labelKeys.name] ?? "",
    image: image === "" ? labels[labelKeys.rootfs] ?? "" : image,
    command: commandOf(unpackJson(record.spec)),
    createdAt,
    labels,
    status: task?.status ?? "none",
    pid: task?.pid ?? 0,
    startedAt: runs ? startedAt(task.pid) : undefined,
    exit: task?.exit,
  };
}

function commandOf(spec: unknown): readonly string[] {
  if (!isRecord(spec) || !isRecord(spec.process) || !Array.isArray(spec.process.args)) return [];
  return spec.process.args.filter((argument) => typeof argument === "string");
}
