import { signalName, signalNumber } from "../../base/signals.ts";
import type { ContainerRecord } from "../../wire/container_record.ts";
import type { Spec } from "../../wire/oci.ts";
import { labelKeys } from "../container_plan.ts";
import type { ContainerConfig } from "./config_document.ts";

/** What `Config` is made from. */
export interface ConfigFacts {
  readonly record: ContainerRecord;
  readonly spec: Spec | undefined;
  /** argv without an init of gantry's. */
  readonly args: readonly string[];
  /** As `ps` shows it. */
  readonly image: string;
  /** Its output goes to files, not to whoever started it. */
  readonly hasLogs: boolean;
  /** Its stdin is kept open. */
  readonly openStdin: boolean;
}

/** Seconds, docker's default. */
const defaultStopTimeout = 10;

/** The part `Config`. */
export function containerConfig(facts: ConfigFacts): ContainerConfig {
  const { record, spec, args, image, hasLogs, openStdin } = facts;
  const { process } = spec ?? {};
  const { uid = 0, gid = 0 } = process?.user ?? {};
  const terminal = process?.terminal ?? false;
  return {
    Hostname: spec?.hostname ?? "",
    Domainname: spec?.domainname ?? "",
    User: uid === 0 && gid === 0 ? "" : `${uid}:${gid}`,
    AttachStdin: openStdin && !hasLogs,
    AttachStdout: !hasLogs,
    AttachStderr: !hasLogs && !terminal,
    Tty: terminal,
    OpenStdin: openStdin,
    StdinOnce: openStdin && !hasLogs,
    Env: process?.env ?? [],
    Cmd: args,
    Image: image,
    Volumes: null,
    WorkingDir: process?.cwd ?? "",
    Entrypoint: null,
    Labels: record.labels,
    StopSignal: stopSignal(record.labels[labelKeys.stopSignal]),
    StopTimeout: stopTimeout(record.labels[labelKeys.stopTimeout]),
  };
}

/** `SIGTERM` for `15`, `term` and the like; what is no signal is shown as it is stored. */
function stopSignal(label: string | undefined): string {
  if (label === undefined) return "SIGTERM";
  try {
    return signalName(signalNumber(label));
  } catch {
    return label;
  }
}

function stopTimeout(label: string | undefined): number {
  const seconds = Number(label);
  return label === undefined || label.trim() === "" || !Number.isFinite(seconds) ? defaultStopTimeout : seconds;
}
