import { readTextIfExists, removeIfExists, writeFileAtomic } from "../base/atomic_file.ts";
import { stringField } from "../base/json.ts";
import { bootId, isSame, type ProcessIdentity } from "../base/proc.ts";
import type { InstancePaths } from "./paths.ts";
import { parseIdentity, parseRecord } from "./status.ts";

/** Who the process of a pidfile is, and what it was started for. */
export interface PidRecord {
  readonly identity: ProcessIdentity;
  /** The boot in which pid and start time mean something. */
  readonly bootId: string;
  /** The gRPC socket it was told to serve. */
  readonly address: string;
  readonly root: string;
  /** Version the program said it is. */
  readonly version: string;
  /** Hash of the configuration it was started with. */
  readonly configHash: string;
}

/** Writes the pidfile (decimal, for everybody's scripts) and beside it who that process is. */
export async function writePidfile(paths: InstancePaths, record: PidRecord): Promise<void> {
  const { identity } = record;
  // The identity first: a pidfile without one is only a number, and is not believed.
  const json = JSON.stringify({ ...record, identity: { ...identity, startTime: String(identity.startTime) } });
  await writeFileAtomic(paths.identity, `${json}\n`);
  await writeFileAtomic(paths.pidfile, `${identity.pid}\n`, { mode: 0o644 });
}

/** Removes both files. */
export async function removePidfile(paths: InstancePaths): Promise<void> {
  await removeIfExists(paths.pidfile);
  await removeIfExists(paths.identity);
}

/**
 * The pid in the pidfile; undefined when there is none: no file, an empty one, or no positive decimal number in it.
 * A pidfile that is there and cannot be read is an error that names it: to guess would risk a second containerd.
 */
export async function readPid(path: string): Promise<number | undefined> {
  const text = await readTextIfExists(path);
  const digits = /^\s*([0-9]{1,10})\s*$/.exec(text ?? "")?.[1];
  const pid = Number(digits ?? 0);
  return pid > 0 ? pid : undefined;
}

/** What stands beside the pidfile; undefined when it is missing or makes no sense. */
export async function readPidRecord(path: string): Promise<PidRecord | undefined> {
  const value = parseRecord(await readTextIfExists(path) ?? "");
  if (value === undefined) return undefined;
  const identity = parseIdentity(value["identity"]);
  const [boot, address, root] = ["bootId", "address", "root"].map((name) => stringField(value, name));
  if (identity === undefined || boot === undefined || address === undefined || root === undefined) return undefined;
  return {
    identity,
    bootId: boot,
    address,
    root,
    version: stringField(value, "version") ?? "",
    configHash: stringField(value, "configHash") ?? "",
  };
}

/**
 * The containerd that the pidfile stands for, when that very process is alive: same pid, start time, program and boot.
 * A live process that merely has the number is not it.
 */
export async function livingPidRecord(paths: InstancePaths): Promise<PidRecord | undefined> {
  const [pid, record, boot] = await Promise.all([readPid(paths.pidfile), readPidRecord(paths.identity), bootId()]);
  // A crash between the two writes leaves an identity without its pidfile; the identity alone is proof enough.
  if (record === undefined || record.bootId !== boot) return undefined;
  if (pid !== undefined && pid !== record.identity.pid) return undefined;
  return await isSame(record.identity) ? record : undefined;
}
