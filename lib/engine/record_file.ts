import { readJsonIfExists, writeFileAtomic } from "../base/atomic_file.ts";
import { isRecord, recordField, stringField } from "../base/json.ts";

/** What containerd was told of a container, kept beside its logs for those who must not spend an RPC on it. */
export interface RecordFile {
  /** containerd's name of the runtime. */
  readonly runtime: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The content of the file. */
export function encodeRecordFile({ runtime, labels }: RecordFile): string {
  return JSON.stringify({ runtime, labels });
}

/** What the file says; undefined without one, as for containers of other clients. */
export async function readRecordFile(path: string): Promise<RecordFile | undefined> {
  const document = await readJsonIfExists(path);
  if (!isRecord(document)) return undefined;
  const runtime = stringField(document, "runtime");
  const labels = Object.entries(recordField(document, "labels") ?? {});
  if (runtime === undefined) return undefined;
  return { runtime, labels: Object.fromEntries(labels.map(([key, value]) => [key, String(value)])) };
}

/** Replaces the file as a whole, if there is one. */
export async function replaceRecordFile(path: string, record: RecordFile): Promise<void> {
  const isThere = await Deno.lstat(path).then(() => true, () => false);
  if (isThere) await writeFileAtomic(path, encodeRecordFile(record));
}

/** Sets labels in the file, if there is one. */
export async function labelRecordFile(path: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const before = await readRecordFile(path);
  if (before !== undefined) await replaceRecordFile(path, { ...before, labels: { ...before.labels, ...labels } });
}
