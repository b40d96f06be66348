import { readJsonIfExists, removeIfExists, writeFileAtomic } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { isRecord, numberField, recordField, stringField } from "../base/json.ts";
import { getLogger } from "../base/log.ts";
import { typeUrls } from "../wire/any.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import { assertId, isId } from "../wire/identifier.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import { labelKeys } from "./container_plan.ts";
import type { ContainerRecords, NewRecord } from "./container_records.ts";

const log = getLogger("engine");

/** Where {@link fileRecords} keeps them, and the time. */
export interface FileRecordsOptions {
  readonly instance: InstancePaths;
  readonly namespace: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The files of one record. */
interface RecordPaths {
  /** `{"runtime", "labels", "createdAt"}`; written last, and removed first: without it there is no container. */
  readonly record: string;
  /** The OCI spec, byte by byte as it was given. */
  readonly spec: string;
}

/**
 * Records of containers in files beside their logs, for containers that no daemon knows of. Each is there as a whole or not
 * at all. Those of containers that go away by themselves are not synced: after a power cut there is nothing to keep of them.
 */
export function fileRecords({ instance, namespace, now }: FileRecordsOptions): ContainerRecords {
  const pathsOf = (id: string): RecordPaths => {
    assertId(id);
    const { data } = containerPaths(instance, namespace, id);
    return { record: `${data}/record.json`, spec: `${data}/spec.json` };
  };

  async function create({ id, runtime, labels, spec }: NewRecord): Promise<void> {
    const paths = pathsOf(id);
    if (await isThere(paths.record)) throw new GantryError("already_exists", `container ${id} exists already`);
    const text = JSON.stringify({ runtime, labels, createdAt: now() });
    if (labels[labelKeys.autoRemove] === "true") {
      writeUnsynced(paths.spec, spec.value);
      writeUnsynced(paths.record, new TextEncoder().encode(text));
      return;
    }
    await writeFileAtomic(paths.spec, spec.value);
    await writeFileAtomic(paths.record, text);
  }

  async function get(id: string): Promise<ContainerRecord> {
    const record = await read(id, pathsOf(id));
    if (record !== undefined) return record;
    throw new GantryError("not_found", `no container ${id} in namespace ${namespace}`);
  }

  async function list(): Promise<readonly ContainerRecord[]> {
    const records = await Promise.all((await idsIn(`${instance.root}/containers/${namespace}`)).map(async (id) => {
      try {
        return await read(id, pathsOf(id));
      } catch (error) {
        // One that cannot be read does not hide the others.
        log.warning("the record of a container cannot be read", { id, error });
        return undefined;
      }
    }));
    return records.filter((record) => record !== undefined);
  }

  return {
    create,
    get,
    list,
    async find(reference) {
      return (await list()).filter(({ id, labels }) =>
        id.startsWith(reference) || labels[labelKeys.name] === reference
      );
    },
    async update(id, { labels, spec }) {
      const paths = pathsOf(id);
      const before = await get(id);
      // The labels last: what they say of the spec is true then.
      if (spec !== undefined) await writeFileAtomic(paths.spec, spec.value);
      if (labels === undefined) return;
      const { runtime, createdAt } = before;
      await writeFileAtomic(
        paths.record,
        JSON.stringify({ runtime, labels: { ...before.labels, ...labels }, createdAt }),
      );
    },
    async delete(id) {
      const paths = pathsOf(id);
      if (!await removeIfExists(paths.record)) {
        throw new GantryError("not_found", `no container ${id} in namespace ${namespace}`);
      }
      await removeIfExists(paths.spec);
    },
  };
}

/** Undefined without one. `data_loss` for one that is no JSON, or has no spec. */
async function read(id: string, paths: RecordPaths): Promise<ContainerRecord | undefined> {
  const record = await readJsonIfExists(paths.record);
  if (record === undefined) return undefined;
  const runtime = isRecord(record) ? stringField(record, "runtime") : undefined;
  if (!isRecord(record) || runtime === undefined) {
    throw new GantryError("data_loss", `${paths.record} is not the record of a container`, {
      hint: `remove the container: gantry rm -f ${id.slice(0, 12)}`,
    });
  }
  const labels = Object.entries(recordField(record, "labels") ?? {});
  return {
    id,
    runtime,
    image: "",
    labels: Object.fromEntries(labels.map(([key, value]) => [key, String(value)])),
    createdAt: numberField(record, "createdAt") ?? 0,
    spec: { typeUrl: typeUrls.spec, value: await readBytes(paths.spec) },
  };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    // Removed at this moment, after its record.
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw systemError(error, `read ${path}`);
  }
}

async function idsIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name).filter(isId);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw systemError(error, `list ${directory}`);
  }
}

/** Whole after a SIGKILL, though not after a power cut. Synchronous: on the way of every run. */
function writeUnsynced(path: string, bytes: Uint8Array): void {
  const aside = `${path}.new`;
  try {
    Deno.writeFileSync(aside, bytes, { mode: 0o600 });
    Deno.renameSync(aside, path);
  } catch (error) {
    throw systemError(error, `write ${path}`);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
